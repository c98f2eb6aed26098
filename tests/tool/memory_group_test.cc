// Tests which container the path of a cgroup names.
#include "tool/memory_group.h"

#include <gtest/gtest.h>

namespace ashlar::tool {
namespace {

const std::string id(64, 'b');

TEST(ContainerOf, KnowsRuntimesByTheirConventions) {
  EXPECT_EQ(container_of("/docker/" + id), id);
  EXPECT_EQ(container_of("/system.slice/docker-" + id + ".scope"), id);
  EXPECT_EQ(container_of("/machine.slice/libpod-" + id + ".scope/container"), id);
  EXPECT_EQ(container_of("/kubepods/burstable/pod0f1e2d3c-1111-2222-3333-444455556666/" + id), id);
  EXPECT_EQ(container_of("/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod1_2.slice/cri-containerd-" +
                         id + ".scope"),
            id);
  EXPECT_EQ(container_of("/lxc/web"), "web");
  EXPECT_EQ(container_of("/lxc.payload.web/system.slice/cron.service"), "web");
  EXPECT_EQ(container_of("/machine.slice/machine-debian.scope/payload"), "debian");
}

TEST(ContainerOf, TakesTheInnermost) {
  const std::string inner(64, 'c');
  EXPECT_EQ(container_of("/docker/" + id + "/docker/" + inner), inner);
}

TEST(ContainerOf, IsEmptyElsewhere) {
  for (const char* path : {"", "/", "/user.slice/user-1000.slice/session-2.scope", "/system.slice/redis.service",
                           "/machine.slice", "/docker/", "/docker/abc", "//", "/lxc", "/docker-.scope"}) {
    EXPECT_EQ(container_of(path), "") << path;
  }
  EXPECT_EQ(container_of("/docker/" + id + "0"), "");
  EXPECT_EQ(container_of("/docker/" + std::string(64, 'B')), "");
}

TEST(MemoryFigures, AreNoneOutsideOfTheNamespace) {
  const MemoryFigures figures = figures_of({true, false, "/../other"});
  EXPECT_FALSE(figures.usage || figures.limit || figures.high || figures.some_stall);
}

}  // namespace
}  // namespace ashlar::tool
