"""What users leave behind for those who improve the service: feedback and transcripts, as files."""
