"""The bodies that are understood, one file each. A body is recognised by its field names, exactly, never by guess."""
