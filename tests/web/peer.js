import { fitOf } from '/geometry.js';

/* Plays the mixing server's media: paints all tiles on one canvas and sends it with a quiet tone to every session. */

const canvas = document.querySelector('canvas');
const paint = canvas.getContext('2d');
const COLOURS = ['#31465f', '#4a3b5c', '#2f5550', '#5c4638', '#3d4a32', '#583a48', '#37506b', '#4f4f34', '#34414b'];
const sessions = new Map();
let tiles = [];

const audio = new AudioContext();
const tone = audio.createOscillator();
const quiet = audio.createGain();
quiet.gain.value = 0.01;
const sound = audio.createMediaStreamDestination();
tone.connect(quiet).connect(sound);
tone.start();
const mix = new MediaStream([...canvas.captureStream(15).getTracks(), ...sound.stream.getTracks()]);

const socket = new WebSocket(`ws://${location.host}/mock/peer`);
const send = (message) => socket.send(JSON.stringify(message));

socket.onmessage = ({ data }) => {
  const message = JSON.parse(data);
  if (message.type === 'paint') tiles = message.tiles;
  else if (message.type === 'offer') answer(message);
  else if (message.type === 'candidate') queue(message.session, (pc) => pc.addIceCandidate(message));
  else if (message.type === 'leave' || message.type === 'cut') close(message.session);
};

function queue(id, step) {
  const session = sessions.get(id);
  if (session) session.work = session.work.then(() => step(session.pc)).catch((error) => console.warn(error.message));
}

function answer({ session: id, id: request, sdp }) {
  if (!sessions.has(id)) sessions.set(id, open(id));
  queue(id, async (pc) => {
    await pc.setRemoteDescription({ type: 'offer', sdp });
    for (const section of pc.getTransceivers()) {
      section.direction = 'sendrecv';
      const track = mix.getTracks().find(({ kind }) => kind === section.receiver.track.kind);
      if (section.sender.track !== track) await section.sender.replaceTrack(track);
    }
    await pc.setLocalDescription();
    send({ session: id, type: 'answer', id: request, sdp: pc.localDescription.sdp });
  });
}

function open(id) {
  const pc = new RTCPeerConnection();
  const video = document.createElement('video');
  Object.assign(video, { muted: true, autoplay: true });
  pc.onicecandidate = ({ candidate }) => send({ session: id, type: 'candidate', candidate: candidate?.candidate ?? '', sdpMid: candidate?.sdpMid ?? '0' });
  pc.ontrack = ({ track }) => { if (track.kind === 'video') video.srcObject = new MediaStream([track]); };
  return { pc, video, work: Promise.resolve() };
}

function close(id) {
  sessions.get(id)?.pc.close();
  sessions.delete(id);
}

function paintTile({ participant, name, off, x, y, w, h }, i) {
  const [left, top, width, height] = [x * canvas.width, y * canvas.height, w * canvas.width, h * canvas.height];
  paint.fillStyle = COLOURS[i % COLOURS.length];
  paint.fillRect(left, top, width, height);
  const video = sessions.get(participant)?.video;
  if (video?.videoWidth && !off) {
    const cover = fitOf({ width: video.videoWidth, height: video.videoHeight }, { width, height }) === 'cover';
    const scale = Math[cover ? 'max' : 'min'](width / video.videoWidth, height / video.videoHeight);
    const [w1, h1] = [video.videoWidth * scale, video.videoHeight * scale];
    paint.save();
    paint.beginPath();
    paint.rect(left, top, width, height);
    paint.clip();
    if (!cover) paint.clearRect(left, top, width, height);
    paint.drawImage(video, left + (width - w1) / 2, top + (height - h1) / 2, w1, h1);
    paint.restore();
    return;
  }
  const radius = Math.min(width, height) / 5;
  paint.fillStyle = 'rgb(255 255 255 / 0.16)';
  paint.beginPath();
  paint.arc(left + width / 2, top + height / 2, radius, 0, 7);
  paint.fill();
  paint.fillStyle = '#fff';
  paint.font = `600 ${radius * 0.8}px sans-serif`;
  paint.textAlign = 'center';
  paint.textBaseline = 'middle';
  paint.fillText([...name][0].toUpperCase(), left + width / 2, top + height / 2);
}

setInterval(() => {
  paint.fillStyle = '#101214';
  paint.fillRect(0, 0, canvas.width, canvas.height);
  tiles.forEach(paintTile);
}, 66);
