// A library that libc_calls loads.
#include <stdlib.h>
#include <string.h>

char* join_and_free(char* first, const char* second) {
  char* const joined = malloc(strlen(first) + strlen(second) + 1);
  if (joined != NULL) strcat(strcpy(joined, first), second);
  free(first);
  return joined;
}
