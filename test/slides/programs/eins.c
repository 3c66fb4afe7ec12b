int eins_daten[3000] = { 1 };
int eins (void) { return eins_daten[0]; }
