"""Builds the tree that this recipe lies in, for Conan 2: conan create scripts/recipes/conan"""
import re
from pathlib import Path

from conan import ConanFile
from conan.errors import ConanInvalidConfiguration
from conan.tools.cmake import CMake, CMakeDeps, CMakeToolchain, cmake_layout
from conan.tools.files import copy

SOURCES = ("CMakeLists.txt", "LICENSE", "src/*", "preload/*", "include/*", "man/*", "bench/scalability/*")


class Ashlar(ConanFile):
    name = "ashlar"
    description = "A drop-in malloc: buddy zones, slabs and magazines"
    license = "MIT"
    topics = ("malloc", "allocator")
    package_type = "library"
    settings = "os", "arch", "compiler", "build_type"
    options = {"shared": [True, False]}
    default_options = {"shared": True}

    @property
    def tree(self):
        return Path(self.recipe_folder).resolve().parents[2]

    def set_version(self):
        # Read where the recipe is exported; afterwards Conan knows it.
        if self.version is None:
            self.version = re.search(r"^project\(ASHLAR VERSION (\S+)", (self.tree / "CMakeLists.txt").read_text(), re.M)[1]

    def export_sources(self):
        for pattern in SOURCES:
            copy(self, pattern, src=str(self.tree), dst=self.export_sources_folder)

    def validate(self):
        if self.settings.os != "Linux" or str(self.settings.arch) not in ("x86_64", "armv8", "riscv64"):
            raise ConanInvalidConfiguration("ashlar is for Linux with 64 bits")

    def layout(self):
        cmake_layout(self)

    def generate(self):
        toolchain = CMakeToolchain(self)
        toolchain.cache_variables.update({"ASHLAR_TESTS": False, "ASHLAR_BENCH": False, "ASHLAR_TOOL": "OFF"})
        toolchain.generate()
        CMakeDeps(self).generate()

    def build(self):
        cmake = CMake(self)
        cmake.configure()
        cmake.build()

    def package(self):
        copy(self, "LICENSE", src=self.source_folder, dst=str(Path(self.package_folder, "licenses")))
        CMake(self).install()

    def package_info(self):
        # The package's own CMake files: ashlar::ashlar and ashlar::static, with what each needs.
        self.cpp_info.set_property("cmake_find_mode", "none")
        self.cpp_info.builddirs.append("lib/cmake/ashlar")
        if self.options.shared:
            self.cpp_info.libs = ["ashlar"]
        else:
            self.cpp_info.libs = [":libashlar.a"]
            self.cpp_info.exelinkflags = self.cpp_info.sharedlinkflags = ["-Wl,--undefined=malloc"]
