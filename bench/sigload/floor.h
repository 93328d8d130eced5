/*
 * floor - what the machine itself allows. 200 bytes are echoed over loopback TCP between two
 * processes of ours, on one CPU or two, for so many seconds each; one JSON line a case.
 */
#ifndef SIGLOAD_FLOOR_H
#define SIGLOAD_FLOOR_H

void floor_run(double seconds);

#endif
