/*
 * frames - WebSocket frames as clients send them (masked), and what a server sends in words. For tests.
 */
#ifndef SIGPOST_TESTS_FRAMES_H
#define SIGPOST_TESTS_FRAMES_H

#include <stdbool.h>

#include "buf.h"
#include "str.h"

#define FIN	0x80		/* in the first byte of a frame, with the opcode */

/* One frame: its first byte as it is, the length in its shortest form, a mask, the payload under it. */
void	frame_put(struct buf *out, int first, struct str payload);
void	frame_put_close(struct buf *out, int code, struct str reason);

/* Frames of a server in words, a space after each: "text(…)", "ping(…)", "pong(…)", "close(1000 reason)",
 * "close()", "frame(83 …)" for another first byte. false, and "cut": bytes that are not a whole frame. */
bool	frames_tell(struct buf *words, struct str frames);

#endif
