/* The room: the stage, the bar, the panels, and what the call tells the user. */

import { stayAwake } from './awake.js';
import { Banner } from './banner.js';
import { h, setText } from './dom.js';
import { icon } from './icons.js';
import { listenKeys } from './keys.js';
import { menu } from './menu.js';
import { canShareScreen } from './mixroom.js';
import { OnAir } from './on-air.js';
import { helpDialog, settingsDialog } from './panels/dialogs.js';
import { SidePanel } from './panels/side.js';
import { StatsPanel, isReduced } from './panels/stats.js';
import { deviceProblem, explain } from './problems.js';
import { Stage } from './stage.js';
import { Studio } from './studio/panel.js';
import { onLanguage, setLabel, t, tCount } from './strings.js';
import { prefs } from './store.js';
import { announce, toast } from './toasts.js';

export class Room {
  #call;
  #stop = new AbortController();
  #stage;
  #studio;
  #side;
  #stats;
  #settings;
  #help;
  #nodes = {};
  #unread = false;

  /** @param place {url, token} of the server, for its REST interface */
  constructor(call, place) {
    this.#call = call;
    const { signal } = this.#stop;
    this.#studio = new Studio(call, place, signal);
    this.#side = new SidePanel(call, this.#studio, signal);
    this.#stage = new Stage(call, { panel: this.#side.element, mark: new OnAir(call, signal).element,
      onSelfHide: () => this.#showSelf(false) }, signal);
    this.#stats = new StatsPanel(call, signal);
    this.#settings = settingsDialog({ onDevice: (device, id) => this.#useDevice(device, id),
      onMirror: (mirrored) => this.#stage.setMirrored(mirrored) }, signal);
    this.#help = helpDialog();
    this.#unread = call.chatLines.some(({ own }) => !own);
    this.#stage.setMirrored(prefs.get('mirror'));
    this.element = this.#build(signal);
    this.#listen(signal);
    this.#render();
  }

  /* ---- The bar ---- */

  #build(signal) {
    const n = this.#nodes;
    const button = (id, name, action, classes = '') => h('button', { id, type: 'button', class: `round tipped ${classes}`, onclick: action }, icon(name));
    n.microphone = button('toggle-mic', 'microphone', () => this.#toggleMicrophone());
    n.camera = button('toggle-camera', 'camera', () => this.#toggleCamera());
    n.share = button('toggle-share', 'screen', () => this.#toggleShare(), 'wide');
    n.hand = button('toggle-hand', 'hand', () => this.#toggleHand(), 'wide');
    n.more = button('open-more', 'more', () => {});
    n.leave = button('leave', 'leave', () => this.#call.leave(), 'leave');
    n.people = button('open-people', 'people', () => this.#side.toggle('people'), 'wide quiet');
    n.chat = button('open-chat', 'chat', () => this.#side.toggle('chat'), 'quiet');
    n.stats = button('open-stats', 'stats', () => this.#stats.toggle(), 'wide quiet');
    n.programme = button('open-programme', 'broadcast', () => this.#side.toggle('programme'), 'wide quiet');
    n.programme.hidden = true;
    n.share.hidden = !canShareScreen();
    for (const [node, panel] of [[n.programme, 'panel'], [n.people, 'panel'], [n.chat, 'panel'], [n.stats, 'stats']]) node.setAttribute('aria-controls', panel);
    for (const [node, key] of [[n.more, 'bar.more'], [n.leave, 'bar.leave'], [n.people, 'bar.people']]) setLabel(node, key);
    n.count = h('span', { class: 'count' });
    n.bar = h('div', { id: 'bar', class: 'bar', role: 'toolbar', label: 'bar.label' },
      h('div', { class: 'bar-room' }, h('strong', {}, this.#call.room), n.count),
      h('div', { class: 'bar-main' }, n.microphone, n.camera, n.share, n.hand, h('div', { class: 'menu-holder' }, n.more, this.#buildMenu()), n.leave),
      h('div', { class: 'bar-panels' }, n.programme, n.stats, n.people, n.chat));
    /* A click leaves the focus where it was, so that Space goes on being the key to talk. */
    n.bar.addEventListener('mousedown', (event) => event.preventDefault());
    n.banner = new Banner(this.#call, signal);
    n.alone = this.#buildAlone();
    this.#stage.element.append(n.banner.element, n.alone, this.#stats.element);
    this.#stage.element.addEventListener('dblclick', (event) => { if (!event.target.closest('button, .stats')) this.#toggleFullscreen(); });
    return h('main', { class: 'room' }, h('h1', { class: 'visually-hidden' }, this.#call.room),
      h('div', { class: 'room-main' }, this.#stage.element, this.#side.element), n.bar,
      this.#settings.element, this.#help.element);
  }

  #buildMenu() {
    return menu(this.#nodes.more, [
      { icon: 'hand', key: 'bar.handOn', class: 'narrow hand-raise', onclick: () => this.#toggleHand() },
      { icon: 'hand', key: 'bar.handOff', class: 'narrow hand-lower', onclick: () => this.#toggleHand() },
      { icon: 'people', key: 'bar.people', class: 'narrow', onclick: () => this.#side.show('people') },
      { icon: 'broadcast', key: 'studio.title', class: 'narrow programme-item', onclick: () => this.#side.show('programme') },
      { icon: 'stats', key: 'bar.stats', class: 'narrow', onclick: () => this.#stats.toggle() },
      { icon: 'selfView', key: 'menu.selfShow', class: 'self-show', onclick: () => this.#showSelf(true) },
      { icon: 'selfView', key: 'self.hide', class: 'self-unshow', onclick: () => this.#showSelf(false) },
      { icon: 'link', key: 'menu.copyLink', onclick: () => this.#copyLink() },
      { icon: 'fullscreen', key: 'menu.fullscreen', class: document.fullscreenEnabled ? null : 'absent', onclick: () => this.#toggleFullscreen() },
      { icon: 'settings', key: 'menu.settings', id: 'open-settings', onclick: () => this.#settings.show() },
      { icon: 'keyboard', key: 'menu.help', class: 'wide', onclick: () => this.#help.show() },
    ]);
  }

  #buildAlone() {
    return h('div', { class: 'alone', hidden: true }, h('p', {}, h('strong', { i18n: 'room.alone' }), h('span', { i18n: 'room.aloneHint' })),
      h('button', { type: 'button', class: 'secondary', onclick: () => this.#copyLink() }, icon('link'), h('span', { i18n: 'room.copyLink' })));
  }

  #render() {
    const n = this.#nodes;
    const { microphone, camera, screen } = this.#call.local;
    this.#renderToggle(n.microphone, microphone.on ? 'microphone' : 'microphoneOff', !microphone.on, microphone.on ? 'bar.microphoneOff' : 'bar.microphoneOn');
    this.#renderToggle(n.camera, camera.on ? 'camera' : 'cameraOff', !camera.on, camera.on ? 'bar.cameraOff' : 'bar.cameraOn');
    setLabel(n.share, screen ? 'bar.shareOff' : 'bar.shareOn');
    n.share.classList.toggle('active', screen);
    setLabel(n.hand, this.#call.handRaised ? 'bar.handOff' : 'bar.handOn');
    n.hand.classList.toggle('active', this.#call.handRaised);
    n.bar.classList.toggle('hand-raised', this.#call.handRaised);
    setLabel(n.chat, this.#unread ? 'bar.chatUnread' : 'bar.chat');
    n.chat.classList.toggle('unread', this.#unread);
    this.#renderReduced();
    this.#renderLive();
    for (const [node, open] of [[n.programme, this.#side.open === 'programme'], [n.people, this.#side.open === 'people'], [n.chat, this.#side.open === 'chat'], [n.stats, this.#stats.open]]) {
      node.classList.toggle('active', open);
      node.setAttribute('aria-expanded', String(open));
    }
    const people = this.#call.roster.size;
    setText(n.count, people > 0 ? tCount('people.count', people) : '');
    n.alone.hidden = people !== 1;
  }

  /* A picture that is smaller than it could be is no trouble, but who looks finds out. */
  #renderReduced() {
    const reduced = isReduced(this.#call.rung);
    setLabel(this.#nodes.stats, reduced ? 'bar.statsReduced' : 'bar.stats');
    for (const node of [this.#nodes.stats, this.#nodes.more]) node.classList.toggle('reduced', reduced);
  }

  /* Who could stop it should not forget it. */
  #renderLive() {
    const { programme } = this.#nodes;
    const isLive = this.#studio.live.length > 0;
    setLabel(programme, isLive ? 'bar.programmeLive' : 'bar.programme');
    programme.classList.toggle('on-air', isLive);
  }

  async #offerStudio() {
    if (!await this.#studio.isAllowed()) return;
    this.#nodes.programme.hidden = false;
    this.element.classList.add('with-programme');
    this.#side.allowStudio();
  }

  #renderToggle(button, name, off, label) {
    button.classList.toggle('off', off);
    if (button.dataset.icon !== name) button.replaceChildren(icon(name));
    button.dataset.icon = name;
    setLabel(button, label);
  }

  /* ---- What the user does ---- */

  async #toggleMicrophone() {
    await this.#setMicrophone(!this.#call.local.microphone.on);
    announce(t(this.#call.local.microphone.on ? 'room.unmutedNow' : 'room.mutedNow'));
  }

  async #setMicrophone(on) {
    await this.#call.setMicrophone(on).catch((error) => toast(explain(error)));
    if (this.#tellProblem('microphone', on)) return;
    prefs.remember({ microphone: on });
  }

  async #toggleCamera() {
    const on = !this.#call.local.camera.on;
    await this.#call.setCamera(on).catch((error) => toast(explain(error)));
    if (!this.#tellProblem('camera', on)) prefs.remember({ camera: on });
  }

  #tellProblem(device, wantedOn) {
    const { on, problem } = this.#call.local[device];
    const key = wantedOn && !on ? deviceProblem(device, problem) : null;
    if (key) toast(t(key));
    return key !== null;
  }

  async #toggleShare() {
    if (!canShareScreen()) return;
    try {
      await this.#call.shareScreen(!this.#call.local.screen);
      if (this.#call.local.screen) toast(t('room.sharing'));
    } catch (error) {
      /* NotAllowedError: the user changed their mind. */
      if (error.name !== 'NotAllowedError') toast(t('media.shareFailed'));
    }
  }

  #toggleHand() {
    this.#call.raiseHand(!this.#call.handRaised);
  }

  #showSelf(shown) {
    this.#stage.showSelf(shown);
    if (shown) return;
    toast(t('self.hidden'));
    this.#nodes.more.focus();
  }

  /* Space: true when it opened a microphone that was off. */
  #talk(on) {
    if (on && (this.#call.local.microphone.on || !this.#call.local.microphone.track)) return false;
    this.#call.setMicrophone(on);
    return on;
  }

  #useDevice(device, id) {
    if (device === 'speaker') this.#stage.setSpeaker(id);
    else this.#call.setDevice(device, id).then(() => this.#tellProblem(device, true), (error) => toast(explain(error)));
  }

  #toggleFullscreen() {
    if (document.fullscreenElement) document.exitFullscreen();
    else this.element.requestFullscreen?.().catch(() => {});
  }

  async #copyLink() {
    const link = new URL(location.pathname, location.origin);
    link.searchParams.set('room', this.#call.room);
    try {
      await navigator.clipboard.writeText(link.href);
      toast(t('room.linkCopied'));
    } catch {
      toast(t('room.linkFailed'));
    }
  }

  /* ---- What the call says ---- */

  #listen(signal) {
    const on = (type, listener) => this.#call.addEventListener(type, ({ detail }) => listener(detail), { signal });
    on('roster', () => this.#render());
    on('local', () => this.#render());
    on('rung', () => this.#renderReduced());
    on('enter', ({ name }) => toast(t('room.entered', { name })));
    on('exit', ({ name }) => toast(t('room.left', { name })));
    on('hand', ({ name }) => toast(t('room.handRaised', { name })));
    on('chat', (line) => this.#onChat(line));
    on('unplugged', (detail) => this.#onUnplugged(detail));
    on('error', (error) => toast(explain(error)));
    on('joined', () => toast(t('room.backAsNew')));
    this.#side.addEventListener('change', ({ detail }) => this.#onPanel(detail));
    this.#stats.addEventListener('change', ({ detail }) => {
      this.#render();
      if (detail?.closed) this.#focusOr(this.#nodes.stats);
    });
    this.#studio.addEventListener('live', () => this.#renderLive());
    this.#offerStudio();
    onLanguage(() => this.#render(), signal);
    listenKeys({
      microphone: () => this.#toggleMicrophone(),
      camera: () => this.#toggleCamera(),
      share: () => this.#toggleShare(),
      chat: () => this.#side.toggle('chat'),
      people: () => this.#side.toggle('people'),
      fullscreen: () => this.#toggleFullscreen(),
      help: () => this.#help.show(),
    }, (down) => this.#talk(down), signal);
  }

  #onChat({ name, text, own }) {
    if (own) return;
    if (this.#side.open === 'chat') return announce(t('chat.from', { name, text }));
    this.#unread = true;
    this.#render();
    toast(text.length > 160 ? `${text.slice(0, 160)}…` : text, { title: name });
  }

  #onPanel(detail) {
    if (this.#side.open === 'chat') this.#unread = false;
    this.element.classList.toggle('with-panel', this.#side.open !== null);
    this.#render();
    if (detail?.closed) this.#focusOr(this.#nodes[detail.closed]);
  }

  /* Back to the button that opened it, or on small screens to the menu that did. */
  #focusOr(button) {
    (button.offsetParent === null ? this.#nodes.more : button).focus();
  }

  #onUnplugged({ device, replaced }) {
    const camera = device === 'camera';
    if (replaced) toast(t(camera ? 'media.replacedCamera' : 'media.replacedMicrophone', { device: replaced }));
    else toast(t(camera ? 'media.lostCamera' : 'media.lostMicrophone'));
  }

  /** Called once the element is in the page. */
  start() {
    stayAwake(this.#stop.signal);
    const { microphone } = this.#call.local;
    if (microphone.track && !microphone.on) toast(t('room.talkHint'));
    /* Not a button: Space is the key to talk. */
    this.#stage.element.focus({ preventScroll: true });
  }

  close() {
    this.#stop.abort();
    if (document.fullscreenElement) document.exitFullscreen();
  }
}
