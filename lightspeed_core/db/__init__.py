"""The database ground: connections, grouped commits, migrations. Knows no table's meaning."""
