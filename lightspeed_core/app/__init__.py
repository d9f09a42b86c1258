"""The composition root: builds the services and the application, and knows every part."""
