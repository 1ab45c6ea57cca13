"""One type per kind of source file, and per entry of a list. The fields are domain §3."""
