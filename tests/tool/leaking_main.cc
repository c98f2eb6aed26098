// Runs the program leaking.cc from a library.
int leaking_main(int argc, char** argv);

int main(int argc, char** argv) { return leaking_main(argc, argv); }
