/* When a picture that is received now is shown: what is said of it comes by another way, and sooner than it is decoded. */

const PATIENCE_MS = 600;

/** Calls `done` once, when `video` shows another size or a frame that was received from now on; returns what calls it off. */
export function whenNextPicture(video, done) {
  const since = performance.now();
  let frame;
  const stop = () => {
    clearTimeout(timer);
    video.removeEventListener('resize', finish);
    video.cancelVideoFrameCallback?.(frame);
  };
  const finish = () => {
    stop();
    done();
  };
  const look = (_, { receiveTime }) => {
    if (receiveTime >= since) finish();
    else frame = video.requestVideoFrameCallback(look);
  };
  /* Some browsers do not say when a frame was received, and none shows any in a tab that nobody sees. */
  const timer = setTimeout(finish, PATIENCE_MS);
  video.addEventListener('resize', finish);
  frame = video.requestVideoFrameCallback?.(look);
  return stop;
}
