/* As much of a browser as the order of things needs. */
export class FakeConnection {
  static last = null;
  signalingState = 'stable';
  connectionState = 'new';
  iceConnectionState = 'new';
  offers = [];
  applied = [];
  sections = [];

  constructor(configuration) {
    this.configuration = configuration;
    FakeConnection.last = this;
  }

  addTransceiver(trackOrKind, init) {
    const section = { ...init, kind: trackOrKind.kind ?? trackOrKind, sender: { track: trackOrKind.kind ? trackOrKind : null,
      async replaceTrack(track) { this.track = track; },
      encodings: init.sendEncodings,
      getParameters() { return { encodings: this.encodings?.map((one) => ({ ...one })) }; },
      async setParameters({ encodings }) { this.encodings = encodings; } } };
    this.sections.push(section);
    return section;
  }

  async createOffer(options) {
    this.offers.push(options);
    return { type: 'offer', sdp: `offer ${this.offers.length}` };
  }

  async setLocalDescription(description) {
    this.localDescription = description;
    this.signalingState = 'have-local-offer';
    this.onicecandidate({ candidate: { candidate: `candidate of ${description.sdp}`, sdpMid: '0' } });
  }

  async setRemoteDescription(description) {
    this.remoteDescription = description;
    this.signalingState = 'stable';
  }

  async addIceCandidate(candidate) {
    if (candidate.candidate === 'bad') throw new Error('bad');
    this.applied.push(candidate.candidate);
  }

  become(connectionState, iceConnectionState) {
    Object.assign(this, { connectionState, iceConnectionState });
    this.onconnectionstatechange();
  }

  /* Media and answers to checks that came so far, as a browser counts them. */
  packets = 0;
  checks = 0;

  async getStats() {
    return new Map([
      ['in', { type: 'inbound-rtp', packetsReceived: this.packets }],
      ['pair', { type: 'candidate-pair', responsesReceived: this.checks }],
    ]);
  }

  close() { this.signalingState = 'closed'; }
}

export const settle = async () => { for (let i = 0; i < 40; i++) await Promise.resolve(); };
