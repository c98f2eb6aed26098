// A two-level logic minimiser.
// Idea: espresso, the PLA minimiser, as a malloc benchmark in D. Grunwald, B. Zorn, R. Henderson, "Improving the cache
// locality of memory allocation", PLDI 1993 (also in mimalloc-bench). Minimises random sums of products: complement by
// Shannon's expansion, expand every cube against the complement, drop the redundant ones. A single thread that makes
// and drops millions of blocks of 16 to 32 bytes and small arrays of pointers, in a recursion: shows the fast path and
// the locality of tiny blocks.

#include <vector>

#include "../common/args.h"
#include "../common/rng.h"
#include "cover.h"

namespace {

using namespace ashlar::workload;

// The cubes that remain once a variable is fixed to value.
Cover cofactor(const Cover& cover, std::size_t variable, Part value) {
  Cover result(cover.variables());
  for (const Cube* cube : cover) {
    const Part part = cube->part(variable);
    if (part != Part::kBoth && part != value) continue;
    Cube* kept = cube->copy();
    kept->set(variable, Part::kBoth);
    result.add(kept);
  }
  return result;
}

// The variable on which most cubes depend: splitting there simplifies both halves most.
std::size_t splitting_variable(const Cover& cover) {
  std::vector<std::size_t> uses(cover.variables());
  for (const Cube* cube : cover) {
    for (std::size_t i = 0; i < uses.size(); ++i) uses[i] += cube->part(i) != Part::kBoth;
  }
  return static_cast<std::size_t>(std::max_element(uses.begin(), uses.end()) - uses.begin());
}

bool has_universal(const Cover& cover) {
  for (const Cube* cube : cover) {
    if (cube->is_universal()) return true;
  }
  return false;
}

void remove_contained(Cover& cover) {
  for (std::size_t i = 0; i < cover.size();) {
    bool contained = false;
    for (std::size_t j = 0; j < cover.size() && !contained; ++j) contained = i != j && cover[j]->contains(*cover[i]);
    if (contained) {
      cover.remove(i);
    } else {
      ++i;
    }
  }
}

// Moves the cubes of half into result, limited to variable == value.
void merge(Cover& result, Cover half, std::size_t variable, Part value) {
  while (half.size() != 0) {
    Cube* cube = half.take_last();
    cube->set(variable, value);
    result.add(cube);
  }
}

// Cubes that both halves have hold whatever the variable is: they lose the literal.
void lift_common(Cover& zero, Cover& one, Cover& result) {
  for (std::size_t i = 0; i < zero.size();) {
    bool common = false;
    for (std::size_t j = 0; j < one.size() && !common; ++j) common = one[j]->contains(*zero[i]);
    if (common) {
      result.add(zero[i]->copy());
      zero.remove(i);
    } else {
      ++i;
    }
  }
}

Cover complement(const Cover& cover) {
  Cover result(cover.variables());
  if (has_universal(cover)) return result;
  if (cover.size() == 0) {
    result.add(Cube::universal(cover.variables()));
    return result;
  }
  const std::size_t variable = splitting_variable(cover);
  Cover zero = complement(cofactor(cover, variable, Part::kZero));
  Cover one = complement(cofactor(cover, variable, Part::kOne));
  lift_common(zero, one, result);
  merge(result, std::move(zero), variable, Part::kZero);
  merge(result, std::move(one), variable, Part::kOne);
  remove_contained(result);
  return result;
}

bool is_tautology(const Cover& cover) {
  if (has_universal(cover)) return true;
  if (cover.size() == 0) return false;
  const std::size_t variable = splitting_variable(cover);
  return is_tautology(cofactor(cover, variable, Part::kZero)) && is_tautology(cofactor(cover, variable, Part::kOne));
}

bool meets_any(const Cube& cube, const Cover& cover) {
  for (const Cube* other : cover) {
    if (cube.meets(*other)) return true;
  }
  return false;
}

// Drops literals as long as the cube stays clear of the off-set.
void expand(Cover& cover, const Cover& off) {
  for (Cube*& cube : cover) {
    for (std::size_t variable = 0; variable < cover.variables(); ++variable) {
      if (cube->part(variable) == Part::kBoth) continue;
      Cube* wider = cube->copy();
      wider->set(variable, Part::kBoth);
      if (!meets_any(*wider, off)) std::swap(cube, wider);
      std::free(wider);
    }
  }
  remove_contained(cover);
}

// A cube is redundant if the others cover all of it: their cofactor by the cube is a tautology.
bool is_redundant(const Cover& cover, std::size_t index) {
  Cover others(cover.variables());
  for (std::size_t i = 0; i < cover.size(); ++i) {
    if (i == index || !cover[i].meets(cover[index])) continue;
    Cube* other = cover[i].copy();
    for (std::uint32_t word = 0; word < other->words; ++word) other->bits[word] |= ~cover[index].bits[word];
    others.add(other);
  }
  return is_tautology(others);
}

void make_irredundant(Cover& cover) {
  for (std::size_t i = 0; i < cover.size();) {
    if (is_redundant(cover, i)) {
      cover.remove(i);
    } else {
      ++i;
    }
  }
}

Cover random_cover(Rng& rng, std::uint32_t variables, std::size_t cubes) {
  Cover cover(variables);
  for (std::size_t i = 0; i < cubes; ++i) {
    Cube* cube = Cube::universal(variables);
    for (std::size_t literal = rng.between(3, 6); literal > 0; --literal) {
      cube->set(rng.below(variables), rng.one_in(2) ? Part::kZero : Part::kOne);
    }
    cover.add(cube);
  }
  return cover;
}

// At random points, the result and the complement must agree with the original.
void verify(const Cover& original, const Cover& minimised, const Cover& off, Rng& rng) {
  for (int i = 0; i < 32; ++i) {
    Cube* point = Cube::universal(original.variables());
    for (std::size_t v = 0; v < original.variables(); ++v) point->set(v, rng.one_in(2) ? Part::kZero : Part::kOne);
    const bool on = meets_any(*point, original);
    expect(on == meets_any(*point, minimised) && on != meets_any(*point, off), "the minimised function differs");
    std::free(point);
  }
}

}  // namespace

int main(int argc, char** argv) {
  Args args(argc, argv);
  // The effort differs much between functions, so the same few are repeated.
  constexpr std::size_t kFunctions = 20;
  const std::size_t rounds = args.scaled(6);
  args.finish();
  for (std::size_t i = 0; i < rounds * kFunctions; ++i) {
    Rng rng(41 + i % kFunctions);
    const auto variables = static_cast<std::uint32_t>(rng.between(10, 40));
    const Cover original = random_cover(rng, variables, rng.between(8, 12));
    const Cover off = complement(original);
    Cover minimised(variables);
    for (const Cube* cube : original) minimised.add(cube->copy());
    expand(minimised, off);
    make_irredundant(minimised);
    verify(original, minimised, off, rng);
  }
}
