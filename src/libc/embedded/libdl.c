/* dlopen and its kin: ld.so does the work. */
void *_dl_open (const char *, int, void *);
int _dl_close (void *);
void *_dl_sym (void *, const char *, const char *, void *);
char *_dl_error (void);
int _dl_addr (const void *, void *);

void *dlopen (const char *file, int mode) { return _dl_open (file, mode, __builtin_return_address (0)); }
int dlclose (void *handle) { return _dl_close (handle); }
char *dlerror (void) { return _dl_error (); }
void *dlsym (void *handle, const char *name) { return _dl_sym (handle, name, 0, __builtin_return_address (0)); }
void *dlvsym (void *handle, const char *name, const char *version)
{
  return _dl_sym (handle, name, version, __builtin_return_address (0));
}
int dladdr (const void *address, void *info) { return _dl_addr (address, info); }
