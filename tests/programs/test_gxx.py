"""Runs g++: translation units full of templates are compiled two at a time and linked, and the result is run."""

import hashlib
from concurrent.futures import ThreadPoolExecutor

import harness

UNITS = 4


def unit(number: int) -> str:
    """Standard headers, a recursive template, and containers of many types."""
    kinds = "\n".join(
        f"std::map<std::string, std::array<std::vector<long>, {1 + n}>> table{n};\n"
        f"size_t use{n}() {{ table{n}[std::to_string({n})][{n}].push_back({number}); return table{n}.size(); }}"
        for n in range(6)
    )
    calls = " + ".join(f"use{n}()" for n in range(6))
    return f"""
#include <algorithm>
#include <array>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <tuple>
#include <vector>
namespace {{
template <int N> struct Chain {{ using type = std::tuple<std::integral_constant<int, N>, typename Chain<N - 1>::type>; static constexpr int sum = N + Chain<N - 1>::sum; }};
template <> struct Chain<0> {{ using type = int; static constexpr int sum = {number}; }};
{kinds}
}}
size_t entry{number}() {{
  typename Chain<200>::type* nothing = nullptr;
  std::vector<std::function<size_t()>> work{{[] {{ return {calls}; }}, [] {{ return size_t(Chain<200>::sum); }}}};
  size_t total = nothing != nullptr;
  for (auto& one : work) total += one();
  return total;
}}
"""


def body(side: harness.Side) -> None:
    for number in range(UNITS):
        (side.work / f"unit{number}.cc").write_text(unit(number))
    declared = "".join(f"size_t entry{n}();" for n in range(UNITS))
    total = " + ".join(f"entry{n}()" for n in range(UNITS))
    (side.work / "main.cc").write_text(f'#include <cstdio>\n{declared}\nint main() {{ printf("%zu\\n", {total}); }}\n')

    def compile_one(name: str) -> None:
        side.run(["g++", "-std=c++20", "-O1", "-Wall", "-c", f"{name}.cc", "-o", f"{name}.o"], note=False)

    names = ["main", *(f"unit{n}" for n in range(UNITS))]
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(compile_one, names))
    for name in names:
        side.note(name, hashlib.sha256((side.work / f"{name}.o").read_bytes()).hexdigest())
    side.run(["g++", *(f"{name}.o" for name in names), "-o", "program"])
    side.run([side.work / "program"])
    (side.work / "wrong.cc").write_text("#include <map>\nint main() { std::map<int, int> m; m.push_back(undeclared); }\n")
    side.run(["g++", "-std=c++20", "-c", "wrong.cc"], status=1)


harness.main(body, ["g++", "cc1plus", "as", "ld", "program"])
