"""One type per kind of source file, and per entry of a list. The fields are domain §3.

No module here postpones its annotations: every build asks for the types of fields, and would have to evaluate texts.
"""
