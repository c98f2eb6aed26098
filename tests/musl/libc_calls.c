// Functions of libc that allocate, or free what the program got: each works on Ashlar's blocks. By one thread and by
// several, which fork meanwhile; then in a library that is loaded, where there is a dynamic linker.
//   libc_calls [LIBRARY]
#include <dirent.h>
#include <dlfcn.h>
#include <glob.h>
#include <malloc.h>
#include <netdb.h>
#include <pthread.h>
#include <regex.h>
#include <search.h>
#include <stdint.h>
#include <sys/wait.h>
#include <wchar.h>

#include "cases/case.h"

static void strings(void) {
  char* text = NULL;
  CHECK(asprintf(&text, "%s %d", "seven", 7) == 7);
  char* const copy = strdup(text);
  CHECK(copy != NULL && strcmp(copy, "seven 7") == 0);
  free(copy);
  CHECK((text = realloc(text, 5000)) != NULL && memcmp(text, "seven 7", 8) == 0);
  CHECK(malloc_usable_size(text) >= 5000);
  free(text);
  wchar_t* const wide = wcsdup(L"wide");
  CHECK(wide != NULL && wcslen(wide) == 4);
  free(wide);
  void* aligned = NULL;
  CHECK(posix_memalign(&aligned, 4096, 100) == 0 && (uintptr_t)aligned % 4096 == 0);
  free(aligned);
  CHECK((aligned = aligned_alloc(64, 640)) != NULL && (uintptr_t)aligned % 64 == 0);
  free(aligned);
}

static void files(void) {
  FILE* const file = fopen("/proc/self/maps", "r");
  CHECK(file != NULL);
  char* line = NULL;
  size_t room = 0, lines = 0;
  while (getline(&line, &room, file) > 0) ++lines;
  CHECK(lines > 3);
  free(line);
  fclose(file);

  char* written = NULL;
  size_t length = 0;
  FILE* const memory = open_memstream(&written, &length);
  CHECK(memory != NULL);
  for (int i = 0; i < 5000; ++i) fprintf(memory, "%d\n", i);
  fclose(memory);
  CHECK(length == 23890 && strncmp(written, "0\n1\n", 4) == 0);
  free(written);

  DIR* const folder = opendir("/");
  CHECK(folder != NULL && readdir(folder) != NULL);
  closedir(folder);
  char* const path = realpath("/proc/..", NULL);
  CHECK(path != NULL && strcmp(path, "/") == 0);
  free(path);
  glob_t names;
  CHECK(glob("/*", 0, NULL, &names) == 0 && names.gl_pathc > 1);
  globfree(&names);
}

static void patterns(void) {
  regex_t pattern;
  CHECK(regcomp(&pattern, "^(a|b)*c{2,3}$", REG_EXTENDED) == 0);
  CHECK(regexec(&pattern, "ababcc", 0, NULL, 0) == 0 && regexec(&pattern, "abc", 0, NULL, 0) == REG_NOMATCH);
  regfree(&pattern);
}

static int compare(const void* a, const void* b) { return strcmp(a, b); }

static void trees(void) {
  void* root = NULL;
  for (int i = 0; i < 300; ++i) {
    char* text = NULL;
    CHECK(asprintf(&text, "%d", i * 7919 % 1000) > 0 && tsearch(text, &root, compare) != NULL);
  }
  tdestroy(root, free);
}

static void* all(void* rounds) {
  for (intptr_t i = 0; i < (intptr_t)rounds; ++i) {
    strings();
    files();
    patterns();
    trees();
  }
  return NULL;
}

static void in_a_child(void) {
  const pid_t child = fork();
  if (child == 0) {
    all((void*)1);
    _exit(42);
  }
  int status = 0;
  CHECK(child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 42);
}

static void processes(void) {
  unsetenv("LD_PRELOAD");  // the shell may be glibc's
  CHECK(setenv("ASHLAR_TEST_WORD", "word", 1) == 0 && setenv("ASHLAR_TEST_WORD", "another word", 1) == 0);
  FILE* const shell = popen("echo $ASHLAR_TEST_WORD; exit 3", "r");
  CHECK(shell != NULL);
  char word[32] = "";
  CHECK(fgets(word, sizeof word, shell) != NULL && strcmp(word, "another word\n") == 0);
  CHECK(WEXITSTATUS(pclose(shell)) == 3);
  for (int i = 0; i < 20; ++i) in_a_child();
}

static void threads(void) {
  enum { kThreads = 4 };
  pthread_t others[kThreads];
  for (int i = 0; i < kThreads; ++i) CHECK(pthread_create(&others[i], NULL, all, (void*)(intptr_t)10) == 0);
  processes();
  for (int i = 0; i < kThreads; ++i) CHECK(pthread_join(others[i], NULL) == 0);
}

static void names(void) {
  struct addrinfo* found = NULL;
  const struct addrinfo wanted = {.ai_flags = AI_NUMERICHOST, .ai_socktype = SOCK_STREAM};
  CHECK(getaddrinfo("127.0.0.1", "80", &wanted, &found) == 0);
  freeaddrinfo(found);
}

// A block goes each way between the program and the library.
static void library(const char* path) {
  void* const handle = dlopen(path, RTLD_NOW);
  CHECK(handle != NULL);
  char* (*join)(char*, const char*) = (char* (*)(char*, const char*))dlsym(handle, "join_and_free");
  CHECK(join != NULL);
  char* const joined = join(strdup("of the program"), ", and of the library");
  CHECK(strcmp(joined, "of the program, and of the library") == 0);
  free(joined);
  dlclose(handle);
}

int main(int argc, char** argv) {
  all((void*)3);
  names();
  threads();
  if (argc == 2) library(argv[1]);
  puts("ok");
  return 0;
}
