/* A library that is there for its name and its versions: see name() in image-layout.mjs. */
void __folio_placeholder (void) {}
