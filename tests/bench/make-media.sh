#!/bin/sh
# make-media.sh FOLDER: what benchmarks send, encoded once: clip0..3.{h264,vp8}.mkv of 640x360 at 30 frames a second,
# 800 kbit/s, and speech.opus.mkv. From $MIXROOM_MEDIA, or the folder shared/media beside the checkout, or made up.
set -eu
out=$1
root=$(cd "$(dirname "$0")/../.." && pwd)
media=${MIXROOM_MEDIA:-$root/../shared/media}
mkdir -p "$out"
[ -f "$out/done" ] && exit 0

ff () {
  ffmpeg -nostdin -loglevel error -y "$@"
}

i=0
for name in book again sister night; do
  if [ -f "$media/webcam/$name.mkv" ]; then
    ff -stream_loop 4 -i "$media/webcam/$name.mkv" -an -t 10 -r 30 \
      -vf 'crop=iw:iw*9/16,scale=640:360,format=yuv420p' -c:v ffv1 "$out/raw.mkv"
  else
    ff -f lavfi -i "testsrc2=size=640x360:rate=30:duration=10" -vf "hue=h=$((i * 80)),noise=alls=6:allf=t,format=yuv420p" \
      -c:v ffv1 "$out/raw.mkv"
  fi
  ff -i "$out/raw.mkv" -c:v libx264 -profile:v baseline -preset veryfast -tune zerolatency -b:v 800k -maxrate 900k \
    -bufsize 400k -g 90 -x264-params slices=1 "$out/clip$i.h264.mkv"
  ff -i "$out/raw.mkv" -c:v libvpx -deadline realtime -cpu-used 8 -b:v 800k -g 90 -auto-alt-ref 0 "$out/clip$i.vp8.mkv"
  i=$((i + 1))
done
rm -f "$out/raw.mkv"
if [ -f "$media/speech/lj.wav" ]; then
  ff -stream_loop 3 -i "$media/speech/lj.wav" -t 20 -ar 48000 -ac 1 -c:a libopus -b:a 32k -frame_duration 20 "$out/speech.opus.mkv"
else
  espeak-ng -w "$out/speech.wav" "The quick brown fox jumps over the lazy dog, and the lazy dog does not mind at all."
  ff -stream_loop 3 -i "$out/speech.wav" -t 20 -ar 48000 -ac 1 -c:a libopus -b:a 32k -frame_duration 20 "$out/speech.opus.mkv"
fi
touch "$out/done"
