#ifndef MIXROOM_LIMITS_H
#define MIXROOM_LIMITS_H

/* Everything a client can ask for has an end. What an operator may want to move stands in mixroom.conf; these
 * numbers are not for moving, because code or protocol depends on them. Each with its reason. */

/* RTP over the smallest path we must expect: 1280 (IPv6) - 40 - 8 (UDP), less room for TURN channel data. */
#define MXR_MTU_BYTES 1200
/* Largest datagram taken from a peer: Ethernet's payload. */
#define MXR_PACKET_MAX_BYTES 1500
/* SRTP adds at most 16 (GCM tag) or 10 (SHA1_80); an SRTCP index is 4 more. */
#define MXR_SRTP_TRAILER_BYTES 32

/* Chromium's offer with everything on is about 7 KB; Firefox's with 20 candidates about 6 KB. */
#define MXR_SDP_MAX_BYTES (64 * 1024)
/* Sections beyond this cost answer text and parsing, and no client of ours needs more than 4. */
#define MXR_SDP_MAX_SECTIONS 16
/* RFC 8445 5.1.2 limits checks to 100 pairs; 20 remote candidates a section keep us below with 5 of ours. */
#define MXR_CANDIDATES_MAX 20
/* One candidate line; RFC 8839's longest sensible one is about 200. */
#define MXR_CANDIDATE_MAX_BYTES 512

/* Names: Unicode characters (not bytes), as api.md says. */
#define MXR_NAME_MAX_CHARS 64
#define MXR_CHAT_MAX_CHARS 2000

/* Outputs of a room at once: each is a pipeline with some three threads. Those that have ended are told of for as long as
 * the room is, up to so many. */
#define MXR_OUTPUTS_MAX 8
#define MXR_OUTPUTS_KEPT 32
#define MXR_URL_MAX_BYTES 1024
/* Files of one recording of separate tracks: who comes and goes in a loop, or changes the codec, must not fill a directory. */
#define MXR_TRACK_FILES_MAX 256

/* A tile needs pixels to be seen: 49 on 1280x720 are 182x102 each. */
#define MXR_TILES_MAX 49
/* I420 canvas bounds: above 4K nothing here was measured; odd sizes are rounded down to even. */
#define MXR_CANVAS_MAX_PX 4096
#define MXR_CANVAS_MIN_PX 64
/* Below the full picture: each is an encoder more, and steps of less than half the bits are hardly seen. */
#define MXR_LADDER_RUNGS_MAX 4

#endif
