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

/* Of a recording; a line of a list. What is looked for among them needs no more either. */
#define MXR_TITLE_MAX_CHARS 200
#define MXR_SEARCH_MAX_CHARS 200
/* Each row is some 500 bytes of JSON. */
#define MXR_LIBRARY_PAGE_MAX 200
/* Files that are taken from the recordings' directory at start: looking into them takes a tenth of a second each. */
#define MXR_LIBRARY_SCAN_MAX 100000

/* Outputs of a room at once: each is a pipeline with some three threads. Those that have ended are told of for as long as
 * the room is, up to so many. */
#define MXR_OUTPUTS_MAX 8
#define MXR_OUTPUTS_KEPT 32
/* Files of one output: no shorter than the stretch from one key frame to the next, nor so small that they are many. */
#define MXR_SPLIT_MIN_S 2
#define MXR_SPLIT_MIN_BYTES 100000
#define MXR_URL_MAX_BYTES 1024
/* Files of one recording of separate tracks: who comes and goes in a loop, or changes the codec, must not fill a directory. */
#define MXR_TRACK_FILES_MAX 256

/* Uploads at once: each is a file of library.upload_max_mib that is not listed, nor limited by library.max_total_mib, yet. */
#define MXR_UPLOADS_MAX 8

/* Players at once, of all rooms: each is a process of some 140 MB that decodes. Those of a room that have ended are told of for
 * a minute, up to so many: who starts what is broken in a loop must not fill memory. */
#define MXR_PLAYERS_MAX 64
#define MXR_PLAYERS_KEPT 32

/* Of one address, while its server is not there: some 300 bytes each, and more than a busy server's hour. */
#define MXR_WEBHOOKS_WAITING_MAX 1000
/* Each has a connection of its own. */
#define MXR_WEBHOOK_URLS_MAX 16

/* Still pictures being taken at once, of all rooms: each has a decoded picture and a worker for some 10 to 100 ms. */
#define MXR_SNAPSHOTS_MAX 8

/* Images for logos and backgrounds. A picture of 4096x4096 is 64 MB decoded, and more than any canvas has; a photograph of
 * that size has some 4 MB as JPEG. The list reads them all. */
#define MXR_IMAGE_MAX_BYTES (4 * 1024 * 1024)
#define MXR_IMAGE_MAX_PX 4096
#define MXR_IMAGES_MAX 256
#define MXR_IMAGE_NAME_MAX_BYTES 100

/* A tile needs pixels to be seen: 49 on 1280x720 are 182x102 each. */
#define MXR_TILES_MAX 49
/* I420 canvas bounds: above 4K nothing here was measured; odd sizes are rounded down to even. */
#define MXR_CANVAS_MAX_PX 4096
#define MXR_CANVAS_MIN_PX 64
/* Below the full picture: each is an encoder more, and steps of less than half the bits are hardly seen. */
#define MXR_LADDER_RUNGS_MAX 4

#endif
