// A message broker: queues of messages between threads.
// Idea: the worker threads of NATS, RabbitMQ or Kafka. Each worker owns a queue of bounded length. It reads requests
// from its clients, publishes each as a message of a header and a payload of 256 bytes to 64 KiB to the queue of a
// random worker, and delivers what waits in its own queue. One message in four has two subscribers, which share the
// payload: the last to deliver it frees it. An acknowledgement of some 100 bytes goes back to the publisher. Nearly
// every block is freed by another thread than the one that allocated it, and sizes span nine doublings.
//   --threads N   workers (default 4)

#include <atomic>
#include <mutex>

#include "../common/args.h"
#include "../common/memory.h"
#include "../common/rng.h"
#include "../common/threads.h"

namespace {

using namespace ashlar::workload;

constexpr std::size_t kBurst = 8;      // messages published between two checks of the own queue
constexpr std::size_t kCapacity = 64;  // of a queue; a publisher that finds the queue full delivers messages itself

struct Payload {
  Block body;
  std::atomic<unsigned> subscribers;
};

struct Message {
  Block header;
  Payload* payload;  // null: an acknowledgement
  std::size_t publisher;
};

// Holds at most kCapacity messages.
class alignas(64) Queue {
 public:
  bool put(Message* message) {
    const std::lock_guard lock(mutex_);
    if (count_ == kCapacity) return false;
    ring_[(first_ + count_++) % kCapacity] = message;
    return true;
  }
  // Takes all messages.
  std::size_t take(Message** messages) {
    const std::lock_guard lock(mutex_);
    const std::size_t taken = count_;
    for (; count_ > 0; --count_) {
      messages[taken - count_] = ring_[first_];
      first_ = (first_ + 1) % kCapacity;
    }
    return taken;
  }

 private:
  std::mutex mutex_;
  Message* ring_[kCapacity] = {};
  std::size_t first_ = 0;
  std::size_t count_ = 0;
};

Message* new_message(std::size_t publisher, Payload* payload, std::size_t header) {
  auto* message = new Message{{}, payload, publisher};
  message->header.fill(header);
  return message;
}

void end(Message* message) {
  Payload* const payload = message->payload;
  if (payload != nullptr && payload->subscribers.fetch_sub(1, std::memory_order_acq_rel) == 1) {
    payload->body.drop();
    delete payload;
  }
  message->header.drop();
  delete message;
}

class Worker {
 public:
  Worker(std::vector<Queue>& queues, std::size_t index) : queues_(queues), index_(index), rng_(index + 17) {}

  void publish() {
    Block request;  // as the client sent it
    request.fill(rng_.between(64, 512));
    auto* payload = new Payload{{}, rng_.one_in(4) ? 2u : 1u};
    payload->body.fill(rng_.skewed(256, 65536));
    for (unsigned left = payload->subscribers.load(std::memory_order_relaxed); left > 0; --left) {
      send(rng_.below(queues_.size()), new_message(index_, payload, rng_.between(48, 200)));
    }
    request.drop();
  }

  bool deliver() {
    Message* messages[kCapacity];
    const std::size_t n = queues_[index_].take(messages);
    for (std::size_t i = 0; i < n; ++i) {
      Message* const message = messages[i];
      if (message->payload != nullptr) {
        check(message->payload->body.data, message->payload->body.size);
        send(message->publisher, new_message(index_, nullptr, rng_.between(64, 128)));
      }
      end(message);
    }
    return n != 0;
  }

 private:
  void send(std::size_t to, Message* message) {
    if (!queues_[to].put(message)) end(message);
  }

  std::vector<Queue>& queues_;
  std::size_t index_;
  Rng rng_;
};

}  // namespace

int main(int argc, char** argv) {
  Args args(argc, argv);
  const std::size_t threads = args.positive("threads", 4);
  const std::size_t messages = args.scaled(2'400'000) / threads;
  args.finish();
  std::vector<Queue> queues(threads);
  run_threads(threads, [&](std::size_t index) {
    Worker worker(queues, index);
    for (std::size_t done = 0; done < messages; done += kBurst) {
      for (std::size_t i = 0; i < kBurst; ++i) worker.publish();
      worker.deliver();
    }
    worker.deliver();
  });
  // Delivers the messages that were sent to workers after they had ended, and the acknowledgements of these.
  for (bool more = true; more;) {
    more = false;
    for (std::size_t index = 0; index < threads; ++index) more |= Worker(queues, index).deliver();
  }
}
