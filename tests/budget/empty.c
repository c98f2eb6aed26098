// A library that does nothing: what preloading it costs, any other costs too.
int ashlar_empty;
