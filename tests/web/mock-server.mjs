/* A server to look at the page with, without the real one: serves web/ under the real Content-Security-Policy and speaks
 * mixroom.v1. Its media comes from a second page of the same browser, /mock/peer.html, which paints and sounds the mix.
 *
 *   node tests/web/mock-server.mjs [port]
 *
 * POST /mock/bots?n=8, /mock/talk?bot=0&on=1, /mock/chat?bot=0&text=hello, /mock/drop (all WebSockets),
 * /mock/refuse?on=1 (new ones), /mock/forget (resume tokens), /mock/error?code=room-full (of the next join),
 * /mock/closing?ms=5000, /mock/cut (the media of all) change what happens. */

import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { extname, join as joinPath, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { acceptWebSocket } from './mock-websocket.mjs';

const HERE = fileURLToPath(new URL('.', import.meta.url));
const WEB = joinPath(HERE, '../../web');
export const CSP = "default-src 'self'; script-src 'self'; style-src 'self'; connect-src 'self' ws: wss:; img-src 'self' data:; media-src 'self' blob:";
const TYPES = { '.html': 'text/html', '.js': 'text/javascript', '.css': 'text/css', '.svg': 'image/svg+xml' };
const NAMES = ['Mina Park', '김서준', 'Jonas Weber', '이하은', 'Amélie Laurent', '<img src=x onerror=alert(1)>',
  'A name that is really much too long to fit', 'Ravi', '최민재', 'Sofia', 'Noah', 'Yuki'];
const GAP = 0.006;

export class MockServer {
  #sessions = new Map(); /* participant id: {member, socket, resume} */
  #bots = [];
  #peer = null;
  #refuse = false;
  #errorCode = null;
  #serial = 0;
  #http = createServer((request, response) => this.#serve(request, response));
  #sockets = new Set();

  constructor() {
    this.#http.on('connection', (socket) => {
      this.#sockets.add(socket);
      socket.on('close', () => this.#sockets.delete(socket));
    });
    this.#http.on('upgrade', (request, socket) => this.#upgrade(request, socket));
  }

  listen(port = 0) {
    return new Promise((resolve) => this.#http.listen(port, '127.0.0.1', () => resolve(this.#http.address().port)));
  }

  close() {
    for (const socket of this.#sockets) socket.destroy();
    return new Promise((resolve) => this.#http.close(resolve));
  }

  /* ---- HTTP ---- */

  async #serve(request, response) {
    const url = new URL(request.url, 'http://localhost');
    if (request.method === 'POST' && url.pathname.startsWith('/mock/')) {
      this.#control(url.pathname.slice(6), url.searchParams);
      return response.writeHead(204).end();
    }
    if (url.pathname === '/healthz') return response.writeHead(200).end('ok\n');
    const path = normalize(decodeURIComponent(url.pathname === '/' ? '/index.html' : url.pathname));
    const file = path.startsWith('/mock/') ? joinPath(HERE, path.slice(6)) : joinPath(WEB, path);
    try {
      const body = await readFile(file);
      const headers = { 'Content-Type': TYPES[extname(file)] ?? 'application/octet-stream', 'Content-Security-Policy': CSP, 'Cache-Control': 'no-store' };
      return response.writeHead(200, headers).end(body);
    } catch {
      return response.writeHead(404).end();
    }
  }

  #control(what, query) {
    const member = this.#bots[Number(query.get('bot') ?? 0)];
    const on = query.get('on') !== '0';
    if (what === 'bots') this.#setBots(Number(query.get('n')));
    else if (what === 'talk') this.#talk(member, on);
    else if (what === 'chat') this.#broadcast({ type: 'chat', participant: member.id, name: member.name, text: query.get('text'), time: Date.now() });
    else if (what === 'drop') for (const { socket } of this.#sessions.values()) socket?.destroy();
    else if (what === 'refuse') this.#refuse = on;
    else if (what === 'forget') for (const session of this.#sessions.values()) session.resume = null;
    else if (what === 'error') this.#errorCode = query.get('code');
    else if (what === 'cut') for (const id of this.#sessions.keys()) this.#peer?.send({ type: 'cut', session: id });
    else if (what === 'closing') this.#closing(Number(query.get('ms')));
  }

  #closing(reconnectIn) {
    this.#broadcast({ type: 'closing', reason: 'draining', reconnectIn });
    for (const { socket } of this.#sessions.values()) socket?.close();
  }

  #setBots(n) {
    while (this.#bots.length > n) this.#broadcast({ type: 'participant', ...this.#bots.pop(), gone: true });
    while (this.#bots.length < n) {
      const i = this.#bots.length;
      const bot = { id: `bot-${i}`, name: NAMES[i % NAMES.length], audioMuted: i % 3 === 1, videoMuted: i % 4 === 2, hand: i === 3, talking: false,
        audio: true, video: true };
      this.#bots.push(bot);
      this.#broadcast({ type: 'participant', ...bot });
    }
    this.#layOut();
  }

  #talk(member, talking) {
    member.talking = talking;
    this.#broadcast({ type: 'talking', participant: member.id, talking });
  }

  /* ---- Signalling ---- */

  #upgrade(request, socket) {
    if (request.url === '/mock/peer') return this.#acceptPeer(request, socket);
    if (this.#refuse) return socket.end('HTTP/1.1 503 Service Unavailable\r\n\r\n');
    let id = null;
    const channel = acceptWebSocket(request, socket, {
      onMessage: (message) => {
        if (message.type === 'join') id = this.#join(message, channel) ?? id;
        else if (this.#sessions.has(id)) this.#handle(id, message, channel);
      },
      onClose: () => {
        const session = this.#sessions.get(id);
        if (session?.socket === channel) session.socket = null;
      },
    });
    return undefined;
  }

  #join(message, socket) {
    if (this.#errorCode) {
      socket.send({ type: 'error', id: message.id, code: this.#errorCode, detail: `made up: ${this.#errorCode}` });
      this.#errorCode = null;
      return null;
    }
    let session = [...this.#sessions.values()].find(({ resume }) => message.resume && resume === message.resume);
    if (message.resume && !session) {
      socket.send({ type: 'error', id: message.id, code: 'not-found', detail: 'nothing to resume' });
      return null;
    }
    if (!session) {
      const id = `p-${++this.#serial}`;
      const member = { id, name: message.name, audioMuted: false, videoMuted: false, hand: false, talking: false, audio: true, video: true };
      session = { member, resume: `token-${id}` };
      this.#dropLost();
      this.#broadcast({ type: 'participant', ...member });
      this.#sessions.set(id, session);
    }
    session.socket = socket;
    const { member, resume } = session;
    socket.send({ type: 'joined', id: message.id, room: message.room, participant: member.id, resume, iceServers: [] });
    socket.send({ type: 'participants', list: this.#members() });
    socket.send({ type: 'rung', width: 1280, height: 720, framerate: 30, bitrate: 1_500_000, codec: 'VP8' });
    this.#layOut();
    return member.id;
  }

  #dropLost() {
    for (const [id, { socket }] of this.#sessions) if (!socket) this.#remove(id);
  }

  #handle(id, message, socket) {
    const { member } = this.#sessions.get(id);
    switch (message.type) {
      case 'offer':
      case 'candidate':
        this.#peer?.send({ ...message, session: id });
        break;
      case 'mute':
        member.audioMuted = message.audio ?? member.audioMuted;
        member.videoMuted = message.video ?? member.videoMuted;
        this.#broadcast({ type: 'participant', ...member });
        this.#layOut();
        break;
      case 'hand':
        member.hand = message.raised;
        this.#broadcast({ type: 'participant', ...member });
        break;
      case 'chat':
        this.#broadcast({ type: 'chat', participant: id, name: member.name, text: message.text, time: Date.now() });
        break;
      case 'leave':
        this.#remove(id);
        break;
      default:
        socket.send({ type: 'error', id: message.id, code: 'bad-request', detail: `no such type: ${message.type}` });
    }
  }

  #remove(id) {
    const { member } = this.#sessions.get(id);
    this.#sessions.delete(id);
    this.#peer?.send({ type: 'leave', session: id });
    this.#broadcast({ type: 'participant', ...member, gone: true });
    this.#layOut();
  }

  #members() {
    return [...[...this.#sessions.values()].map(({ member }) => member), ...this.#bots];
  }

  #broadcast(message) {
    for (const { socket } of this.#sessions.values()) socket?.send(message);
  }

  #layOut() {
    const members = this.#members();
    const columns = Math.ceil(Math.sqrt(members.length)) || 1;
    const rows = Math.ceil(members.length / columns) || 1;
    const tiles = members.map((member, i) => ({ participant: member.id, x: (i % columns) / columns + GAP / 2, y: Math.floor(i / columns) / rows + GAP / 2,
      w: 1 / columns - GAP, h: 1 / rows - GAP, z: 0 }));
    this.#broadcast({ type: 'tiles', view: 'auto', canvas: { width: 1280, height: 720 }, tiles });
    this.#peer?.send({ type: 'paint', tiles: tiles.map((tile, i) => ({ ...tile, name: members[i].name, off: members[i].videoMuted })) });
  }

  /* ---- The page that makes the media ---- */

  #acceptPeer(request, socket) {
    this.#peer = acceptWebSocket(request, socket, {
      onMessage: ({ session, ...message }) => this.#sessions.get(session)?.socket?.send(message),
      onClose: () => { this.#peer = null; },
    });
    this.#layOut();
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const port = await new MockServer().listen(Number(process.argv[2] ?? 8099));
  console.log(`http://127.0.0.1:${port}/ – media from http://127.0.0.1:${port}/mock/peer.html`);
}
