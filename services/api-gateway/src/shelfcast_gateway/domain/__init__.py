"""Values and rules of the door that know no protocol library."""
