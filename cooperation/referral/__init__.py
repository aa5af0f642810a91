"""Which agency a lead or finished case is referred to, and the lead that is made of it."""
