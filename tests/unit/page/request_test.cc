// page: tests requests from outside that arrive while another one is answered.
#include "page/request.h"

#include "page/page_fixture.h"

namespace ashlar::page {
namespace {

class RequestTest : public PageTest {};

void ask(std::uint32_t number) {
  request.number = number;
  request.answered = 0;
  answering.state = RequestState::kAsked;
}

TEST_F(RequestTest, AnAnswerIsToTheRequestThatWasTaken) {
  set_answerer([](Request&) {});
  ask(7);
  take_request_in_helper();
  EXPECT_EQ(request.answered, 7u);
  EXPECT_EQ(answering.state, RequestState::kNone);
}

TEST_F(RequestTest, ANewerOneIsNeitherAnsweredNorLost) {
  set_answerer([](Request& taken) {
    if (taken.number == 7) ask(8);
  });
  ask(7);
  take_request_in_helper();
  EXPECT_EQ(request.answered, 7u);
  EXPECT_EQ(answering.state, RequestState::kAsked);
  take_request_in_helper();
  EXPECT_EQ(request.answered, 8u);
  EXPECT_EQ(answering.state, RequestState::kNone);
}

TEST_F(RequestTest, WithoutAThreadTheCommandIsTold) {
  os_.refuse_threads = true;
  set_answerer([](Request&) {});
  ask(7);
  take_request();
  EXPECT_EQ(answering.state, RequestState::kNoThread);
}

}  // namespace
}  // namespace ashlar::page
