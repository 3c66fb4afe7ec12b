int zwei_daten[40] = { 1 };
int zwei_bss[20000];
int zwei (void) { return zwei_daten[0] + zwei_bss[0]; }
