"""Electronic invoices after EN 16931: one semantic model, written as CII (Factur-X, ZUGFeRD) and as UBL (XRechnung)."""
