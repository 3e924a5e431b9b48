/* The server's side of RFC 6455, as little of it as a page under test needs: text messages, no extensions. */

import { createHash } from 'node:crypto';

const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
const TEXT = 1;
const CLOSE = 8;
const PING = 9;
const PONG = 10;

/** Answers the upgrade and returns {send, close, destroy}; onMessage gets parsed JSON. */
export function acceptWebSocket(request, socket, { onMessage, onClose }) {
  const accept = createHash('sha1').update(request.headers['sec-websocket-key'] + GUID).digest('base64');
  const [protocol] = (request.headers['sec-websocket-protocol'] ?? '').split(',');
  socket.write(['HTTP/1.1 101 Switching Protocols', 'Upgrade: websocket', 'Connection: Upgrade', `Sec-WebSocket-Accept: ${accept}`,
    ...(protocol ? [`Sec-WebSocket-Protocol: ${protocol.trim()}`] : []), '', ''].join('\r\n'));
  let buffer = Buffer.alloc(0);
  let text = '';
  let closed = false;
  const over = () => {
    if (!closed) onClose();
    closed = true;
  };
  socket.on('data', (data) => {
    buffer = Buffer.concat([buffer, data]);
    for (let frame = readFrame(buffer); frame; frame = readFrame(buffer)) {
      buffer = buffer.subarray(frame.length);
      if (frame.opcode === CLOSE) socket.end(writeFrame(CLOSE, frame.payload));
      else if (frame.opcode === PING) socket.write(writeFrame(PONG, frame.payload));
      else if (frame.opcode <= TEXT) {
        text += frame.payload.toString();
        if (!frame.fin) continue;
        const message = text;
        text = '';
        onMessage(JSON.parse(message));
      }
    }
  });
  socket.on('close', over);
  socket.on('error', over);
  return {
    send: (message) => { if (!closed) socket.write(writeFrame(TEXT, Buffer.from(JSON.stringify(message)))); },
    close: () => socket.end(writeFrame(CLOSE, Buffer.from([0x03, 0xe8]))),
    destroy: () => socket.destroy(),
  };
}

function readFrame(buffer) {
  if (buffer.length < 2) return null;
  const short = buffer[1] & 0x7f;
  const head = { 126: 4, 127: 10 }[short] ?? 2;
  const masked = (buffer[1] & 0x80) !== 0;
  const start = head + (masked ? 4 : 0);
  if (buffer.length < start) return null;
  const size = short === 126 ? buffer.readUInt16BE(2) : short === 127 ? Number(buffer.readBigUInt64BE(2)) : short;
  if (buffer.length < start + size) return null;
  const payload = Buffer.from(buffer.subarray(start, start + size));
  if (masked) for (let i = 0; i < size; i++) payload[i] ^= buffer[head + (i & 3)];
  return { fin: (buffer[0] & 0x80) !== 0, opcode: buffer[0] & 0x0f, payload, length: start + size };
}

function writeFrame(opcode, payload) {
  const head = payload.length < 126 ? [0x80 | opcode, payload.length]
    : payload.length < 65536 ? [0x80 | opcode, 126, payload.length >> 8, payload.length & 0xff] : null;
  if (head) return Buffer.concat([Buffer.from(head), payload]);
  const long = Buffer.alloc(10);
  long.writeUInt8(0x80 | opcode, 0);
  long.writeUInt8(127, 1);
  long.writeBigUInt64BE(BigInt(payload.length), 2);
  return Buffer.concat([long, payload]);
}
