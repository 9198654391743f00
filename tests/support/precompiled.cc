// Nothing but the source by which the headers of all tests are precompiled; without that it is
// empty.
