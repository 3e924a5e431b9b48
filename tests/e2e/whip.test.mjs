/* Plain WHIP and WHEP with fetch() and RTCPeerConnection: nothing of ours runs in the browser. */

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { Person } from './fixture/person.mjs';
import { startServer } from './fixture/server.mjs';
import { pause } from './fixture/numbers.mjs';

let server;
let browser;

before(async () => {
  server = await startServer();
  browser = await Person.arrive('green', { bypassCSP: true });
  await browser.page.goto(`${server.url}healthz`);
  await browser.page.evaluate(definePlainClient);
});

after(async () => {
  await browser?.leaveBrowser();
  assert.equal(await server?.stop(), 0);
});

/* In the page: a client after RFC 9725, as somebody else would write it. */
function definePlainClient() {
  const line = (sdp, name) => new RegExp(`^a=${name}:(.*)$`, 'm').exec(sdp)[1].trim();

  globalThis.PlainClient = class {
    static async start(endpoint, stream) {
      const client = new PlainClient();
      const pc = client.pc = new RTCPeerConnection({ bundlePolicy: 'max-bundle' });
      client.candidates = [];
      /* Chromium decodes no sound that nothing plays. */
      client.player = Object.assign(document.createElement('video'), { autoplay: true, srcObject: new MediaStream() });
      pc.ontrack = ({ track }) => client.player.srcObject.addTrack(track);
      pc.onicecandidate = ({ candidate }) => { if (candidate?.candidate) client.candidates.push(candidate.candidate); };
      for (const kind of ['audio', 'video']) {
        const track = stream?.getTracks().find((one) => one.kind === kind);
        pc.addTransceiver(track ?? kind, { direction: track ? 'sendrecv' : 'recvonly' });
      }
      await pc.setLocalDescription(await pc.createOffer());
      /* At once, so without candidates: they are trickled. */
      const { sdp } = pc.localDescription;
      const response = await fetch(endpoint, { method: 'POST', headers: { 'Content-Type': 'application/sdp' }, body: sdp });
      client.status = response.status;
      client.type = response.headers.get('Content-Type');
      if (!response.ok) return client;
      client.resource = new URL(response.headers.get('Location'), response.url).href;
      client.etag = response.headers.get('ETag');
      client.candidatesInOffer = (sdp.match(/^a=candidate:/gm) ?? []).length;
      client.answer = await response.text();
      await pc.setRemoteDescription({ type: 'answer', sdp: client.answer });
      return client;
    }

    async gathered() {
      while (this.pc.iceGatheringState !== 'complete') await new Promise((resolve) => setTimeout(resolve, 20));
    }

    fragment(candidates) {
      const { sdp } = this.pc.localDescription;
      return [`a=ice-ufrag:${line(sdp, 'ice-ufrag')}`, `a=ice-pwd:${line(sdp, 'ice-pwd')}`, 'm=audio 9 UDP/TLS/RTP/SAVPF 0', 'a=mid:0',
        ...candidates.map((candidate) => `a=${candidate}`), 'a=end-of-candidates', ''].join('\r\n');
    }

    patch(body, etag) {
      const headers = { 'Content-Type': 'application/trickle-ice-sdpfrag', 'If-Match': etag };
      return fetch(this.resource, { method: 'PATCH', headers, body });
    }

    async trickle() {
      await this.gathered();
      return (await this.patch(this.fragment(this.candidates), this.etag)).status;
    }

    async restart() {
      this.candidates = [];
      await this.pc.setLocalDescription(await this.pc.createOffer({ iceRestart: true }));
      await this.gathered();
      const response = await this.patch(this.fragment(this.candidates), '*');
      const body = await response.text();
      const etag = response.headers.get('ETag');
      const result = { status: response.status, sameEtag: etag === this.etag, type: response.headers.get('Content-Type') };
      if (response.status !== 200) return { ...result, body };
      this.etag = etag;
      const candidates = body.match(/^a=candidate:.*$/gm).map((one) => `${one.trim()}\r\n`).join('');
      const sdp = this.answer
        .replace(/^a=candidate:.*\r\n/gm, '').replace(/^a=end-of-candidates\r\n/gm, '')
        .replace(/^a=ice-ufrag:.*$/gm, `a=ice-ufrag:${line(body, 'ice-ufrag')}`)
        .replace(/^a=ice-pwd:.*$/gm, `a=ice-pwd:${line(body, 'ice-pwd')}`)
        .replace(/^(a=mid:0\r\n)/m, `$1${candidates}`);
      this.answer = sdp;
      await this.pc.setRemoteDescription({ type: 'answer', sdp });
      return result;
    }

    async received() {
      const report = [...(await this.pc.getStats()).values()];
      const inbound = (kind) => report.find((stat) => stat.type === 'inbound-rtp' && stat.kind === kind) ?? {};
      const transport = report.find((stat) => stat.type === 'transport');
      const pair = report.find((stat) => stat.id === transport?.selectedCandidatePairId);
      return {
        state: this.pc.connectionState,
        frames: inbound('video').framesDecoded ?? 0,
        width: inbound('video').frameWidth,
        energy: inbound('audio').totalAudioEnergy ?? 0,
        sent: report.filter((stat) => stat.type === 'outbound-rtp').reduce((sum, stat) => sum + stat.packetsSent, 0),
        user: report.find((stat) => stat.id === pair?.localCandidateId)?.usernameFragment,
        wanted: line(this.pc.localDescription.sdp, 'ice-ufrag'),
      };
    }

    async end() {
      const { status } = await fetch(this.resource, { method: 'DELETE' });
      this.pc.close();
      return status;
    }
  };
}

const received = (client) => browser.page.evaluate((name) => globalThis[name].received(), client);

/* Frames and sound grow. */
async function plays(client, least = 10) {
  const earlier = await received(client);
  for (let i = 0; i < 100; i += 1) {
    await pause(100);
    const now = await received(client);
    if (now.frames >= earlier.frames + least && now.energy > earlier.energy) return now;
  }
  assert.fail(`${client} gets nothing: ${JSON.stringify([earlier, await received(client)])}`);
}

async function participants() {
  const response = await fetch(`${server.url}api/v1/rooms/plain`);
  return response.ok ? (await response.json()).participants : [];
}

test('WHIP with sendrecv brings the mix back in the same connection', async () => {
  const joined = await browser.page.evaluate(async () => {
    const stream = await navigator.mediaDevices.getUserMedia({ audio: true, video: { width: 640, height: 360 } });
    globalThis.caller = await PlainClient.start('/whip/plain?name=Plain', stream);
    const { status, type, candidatesInOffer } = globalThis.caller;
    return { status, type, candidatesInOffer, trickled: await globalThis.caller.trickle() };
  });
  assert.deepEqual(joined, { status: 201, type: 'application/sdp', candidatesInOffer: 0, trickled: 204 });
  /* Alone, one hears nobody: there is only the picture. */
  for (let i = 0; i < 100 && (await received('caller')).frames < 10; i += 1) await pause(100);
  const { frames, sent } = await received('caller');
  assert.ok(frames >= 10 && sent > 10, `${frames} frames came, ${sent} packets went`);
  const [who] = await participants();
  assert.equal(who.name, 'Plain');
});

test('WHEP shows and plays the programme', async () => {
  const joined = await browser.page.evaluate(async () => {
    globalThis.viewer = await PlainClient.start('/whep/plain');
    return { status: globalThis.viewer.status, trickled: await globalThis.viewer.trickle() };
  });
  assert.deepEqual(joined, { status: 201, trickled: 204 });
  const { width, sent } = await plays('viewer');
  assert.ok(width > 0);
  assert.equal(sent, 0);
  const looks = await browser.page.evaluate(async () => {
    const video = globalThis.viewer.player;
    await new Promise((resolve) => video.requestVideoFrameCallback(resolve));
    const canvas = new OffscreenCanvas(64, 36);
    const paint = canvas.getContext('2d');
    const shots = [];
    for (let i = 0; i < 6; i += 1) {
      paint.drawImage(video, 0, 0, 64, 36);
      shots.push([...paint.getImageData(0, 0, 64, 36).data]);
      await new Promise((resolve) => setTimeout(resolve, 250));
    }
    return shots;
  });
  const [first] = looks;
  const mean = first.reduce((sum, value) => sum + value, 0) / first.length;
  const moved = Math.max(...looks.map((look) => look.reduce((sum, value, i) => sum + Math.abs(value - first[i]), 0) / look.length));
  assert.ok(mean > 80 && moved > 0.3, `the picture is black or stands still: ${mean}, ${moved}`);
});

for (const client of ['caller', 'viewer']) {
  test(`the ${client} restarts ICE by PATCH, and media goes on`, async () => {
    const before = await received(client);
    const result = await browser.page.evaluate((name) => globalThis[name].restart(), client);
    assert.deepEqual(result, { status: 200, sameEtag: false, type: 'application/trickle-ice-sdpfrag' });
    for (let i = 0; i < 100; i += 1) {
      const { user, wanted } = await received(client);
      if (user === wanted) break;
      await pause(100);
    }
    const now = await received(client);
    assert.notEqual(now.wanted, before.user);
    assert.equal(now.user, now.wanted, 'the old path is still used');
    for (let i = 0; i < 100 && (await received(client)).frames < now.frames + 10; i += 1) await pause(100);
    const later = await received(client);
    assert.ok(later.frames >= now.frames + 10, `${later.frames - now.frames} frames in 10 s`);
    assert.equal(later.state, 'connected');
  });
}

test('an old ETag is refused', async () => {
  const status = await browser.page.evaluate(async () => (await globalThis.caller.patch(globalThis.caller.fragment([]), '"old"')).status);
  assert.equal(status, 412);
});

test('DELETE ends it', async () => {
  const ends = await browser.page.evaluate(async () => [await globalThis.viewer.end(), await globalThis.caller.end(),
    (await fetch(globalThis.caller.resource, { method: 'DELETE' })).status]);
  assert.deepEqual(ends, [200, 200, 404]);
  for (let i = 0; i < 50 && (await participants()).length > 0; i += 1) await pause(100);
  assert.deepEqual(await participants(), []);
});
