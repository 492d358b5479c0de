// Leaks of libraries that our tests provoke on purpose.

// libmaxminddb 1.7.1 does not free what it has read of the metadata when the rest is refused: a few
// KB for each torn file that an operator tries to load. Called by LeakSanitizer (sanitizer/
// lsan_interface.h), unused without it.
extern "C" const char* __lsan_default_suppressions();
extern "C" const char* __lsan_default_suppressions() {
  return "leak:libmaxminddb\n";
}
