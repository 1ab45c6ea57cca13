"""The tests of portalgen."""
