// What an interpreter of a dynamic language does to malloc: objects with counts of references, strings, lists that
// grow, tables that are made anew. The processor's time is a figure; what the objects hold is checked.
//   objects THREADS ROUNDS
#include <pthread.h>
#include <stdint.h>

#include "cases/case.h"

enum { kKeys = 4000, kMostThreads = 16 };

struct object {
  unsigned references;
  char* text;
  struct list* list;
};
struct list {
  size_t count, room;
  struct object** items;
};

static size_t length_of(uint64_t value) { return 8 + value % 40; }

static struct object* make(uint64_t value) {
  struct object* const object = malloc(sizeof *object);
  CHECK(object != NULL);
  *object = (struct object){1, malloc(length_of(value) + 1), NULL};
  CHECK(object->text != NULL);
  memset(object->text, 'a' + (int)(value % 26), length_of(value));
  object->text[length_of(value)] = '\0';
  return object;
}

static void drop(struct object* object) {
  if (object == NULL || --object->references != 0) return;
  if (object->list != NULL) {
    for (size_t i = 0; i < object->list->count; ++i) drop(object->list->items[i]);
    free(object->list->items);
    free(object->list);
  }
  free(object->text);
  free(object);
}

static void append(struct object* to, struct object* item) {
  if (to->list == NULL) CHECK((to->list = calloc(1, sizeof *to->list)) != NULL);
  struct list* const list = to->list;
  if (list->count == list->room) {
    list->room = list->room == 0 ? 4 : list->room + list->room / 2;
    CHECK((list->items = realloc(list->items, list->room * sizeof *list->items)) != NULL);
  }
  list->items[list->count++] = item;
}

static void* work(void* rounds) {
  struct object** const table = calloc(kKeys, sizeof *table);
  CHECK(table != NULL);
  uint64_t random = 88172645463325252u, sum = 0;
  for (long i = 0; i < (long)(intptr_t)rounds * kKeys; ++i) {
    random ^= random << 13, random ^= random >> 7, random ^= random << 17;
    struct object** const slot = &table[random % kKeys];
    if (*slot == NULL || ((*slot)->list != NULL && (*slot)->list->count > 20)) {
      drop(*slot);
      *slot = make(random % kKeys);
    }
    append(*slot, make(random));
    struct object* const other = table[random / kKeys % kKeys];
    if (other != NULL && other->list == NULL) {
      ++other->references;
      append(*slot, other);
    }
    sum += strlen((*slot)->text) == length_of(random % kKeys) && *(*slot)->text == 'a' + (int)(random % kKeys % 26);
  }
  for (int i = 0; i < kKeys; ++i) {
    // A list that holds an object which has got a list of its own since may lead back to it: it is let go first.
    if (table[i] != NULL && table[i]->list != NULL) {
      struct list* const list = table[i]->list;
      table[i]->list = NULL;
      for (size_t k = 0; k < list->count; ++k) drop(list->items[k]);
      free(list->items);
      free(list);
    }
  }
  for (int i = 0; i < kKeys; ++i) drop(table[i]);
  free(table);
  CHECK(sum == (uint64_t)(intptr_t)rounds * kKeys);
  return NULL;
}

int main(int argc, char** argv) {
  CHECK(argc == 3);
  const int threads = atoi(argv[1]);
  CHECK(threads >= 1 && threads <= kMostThreads);
  void* const rounds = (void*)(intptr_t)atoi(argv[2]);
  const double started = now_ms();
  pthread_t others[kMostThreads];
  for (int i = 1; i < threads; ++i) CHECK(pthread_create(&others[i], NULL, work, rounds) == 0);
  work(rounds);
  for (int i = 1; i < threads; ++i) CHECK(pthread_join(others[i], NULL) == 0);
  figure("processor_ms", milliseconds(CLOCK_PROCESS_CPUTIME_ID));
  figure("elapsed_ms", now_ms() - started);
  return 0;
}
