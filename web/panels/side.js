/* The side panel: chat, people and, for those who may, the programme, in one. */

import { h, setText } from '../dom.js';
import { icon } from '../icons.js';
import { initials } from '../lobby.js';
import { qualityLabel, qualityMark } from '../quality.js';
import { getLanguage, onLanguage, setLabel, t, tCount } from '../strings.js';

/* As the server's limit. */
const CHAT_MAX_CHARS = 2000;
const LINES_MAX = 500;

export class SidePanel extends EventTarget {
  /* null when closed, 'chat', 'people' or 'programme' */
  open = null;
  #call;
  #studio;
  #nodes = {};

  /** @param studio the view of the programme; its tab is hidden until allowStudio() */
  constructor(call, studio, signal) {
    super();
    this.#call = call;
    this.#studio = studio;
    this.#build();
    const on = (type, listener) => call.addEventListener(type, listener, { signal });
    for (const line of call.chatLines) this.#addLine(line);
    on('chat', ({ detail }) => this.#addLine(detail));
    for (const type of ['roster', 'talking']) on(type, () => this.#showPeople());
    onLanguage(() => this.#showPeople(), signal);
  }

  #build() {
    const n = this.#nodes;
    const tab = (name, key) => h('button', { id: `tab-${name}`, type: 'button', role: 'tab', 'aria-controls': `view-${name}`, i18n: key,
      onclick: () => this.show(name) });
    n.tabs = { chat: tab('chat', 'chat.title'), people: tab('people', 'people.title'), programme: tab('programme', 'studio.title') };
    n.tabs.programme.hidden = true;
    n.lines = h('ol', { class: 'chat-lines', tabindex: '0', label: 'chat.title' });
    n.empty = h('p', { class: 'empty', i18n: 'chat.empty' });
    n.input = h('textarea', { id: 'chat-input', rows: '1', maxlength: CHAT_MAX_CHARS, label: 'chat.input', 'data-i18n-placeholder': 'chat.input',
      placeholder: t('chat.input'), enterkeyhint: 'send', onkeydown: (event) => this.#onKey(event), oninput: () => this.#grow() });
    n.send = h('button', { type: 'submit', class: 'icon-button', label: 'chat.send' }, icon('send'));
    n.count = h('p', { class: 'people-count' });
    n.people = h('ul', { class: 'people' });
    n.views = {
      chat: h('div', { id: 'view-chat', class: 'view', role: 'tabpanel', 'aria-labelledby': 'tab-chat' }, n.empty, n.lines,
        h('form', { class: 'chat-form', onsubmit: (event) => this.#submit(event) }, n.input, n.send)),
      people: h('div', { id: 'view-people', class: 'view', role: 'tabpanel', 'aria-labelledby': 'tab-people', tabindex: '0' }, n.count, n.people),
      programme: h('div', { id: 'view-programme', class: 'view', role: 'tabpanel', 'aria-labelledby': 'tab-programme' }, this.#studio.element),
    };
    const tabs = h('div', { class: 'tabs', role: 'tablist', label: 'panel.label', onkeydown: (event) => this.#onTabKey(event) }, ...Object.values(n.tabs));
    const close = h('button', { type: 'button', class: 'icon-button', label: 'panel.close', onclick: () => this.hide() }, icon('close'));
    this.element = h('section', { id: 'panel', class: 'panel', hidden: true, label: 'panel.label', onkeydown: (event) => {
      if (event.key === 'Escape') this.hide();
    } }, h('div', { class: 'panel-head' }, tabs, close), ...Object.values(n.views));
  }

  allowStudio() {
    this.#nodes.tabs.programme.hidden = false;
  }

  toggle(name) {
    if (this.open === name) this.hide();
    else this.show(name);
  }

  show(name) {
    this.open = name;
    this.element.hidden = false;
    this.element.classList.toggle('broad', name === 'programme');
    for (const [one, tab] of Object.entries(this.#nodes.tabs)) {
      tab.setAttribute('aria-selected', String(one === name));
      tab.tabIndex = one === name ? 0 : -1;
      this.#nodes.views[one].hidden = one !== name;
    }
    this.dispatchEvent(new Event('change'));
    this.#showPeople();
    if (name === 'programme') this.#studio.open();
    else this.#studio.close();
    if (name === 'chat') {
      this.#nodes.input.focus();
      this.#nodes.lines.scrollTop = this.#nodes.lines.scrollHeight;
    } else {
      this.#nodes.tabs[name].focus();
    }
  }

  hide() {
    if (!this.open) return;
    const was = this.open;
    this.open = null;
    this.element.hidden = true;
    this.#studio.close();
    this.dispatchEvent(new CustomEvent('change', { detail: { closed: was } }));
  }

  #onTabKey(event) {
    if (event.key !== 'ArrowLeft' && event.key !== 'ArrowRight') return;
    const names = Object.keys(this.#nodes.tabs).filter((name) => !this.#nodes.tabs[name].hidden);
    const step = event.key === 'ArrowRight' ? 1 : names.length - 1;
    const other = names[(names.indexOf(this.open) + step) % names.length];
    this.show(other);
    this.#nodes.tabs[other].focus();
  }

  /* ---- Chat ---- */

  #onKey(event) {
    /* isComposing: Enter that ends a Hangul syllable sends nothing. */
    if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
    this.#submit(event);
  }

  #submit(event) {
    event.preventDefault();
    const text = this.#nodes.input.value.trim();
    if (text === '') return;
    this.#call.chat(text);
    this.#nodes.input.value = '';
    this.#grow();
  }

  #grow() {
    const { input } = this.#nodes;
    input.style.height = 'auto';
    input.style.height = `${Math.min(120, input.scrollHeight)}px`;
  }

  #addLine({ name, text, time, own }) {
    const { lines, empty } = this.#nodes;
    empty.hidden = true;
    const atEnd = lines.scrollHeight - lines.scrollTop - lines.clientHeight < 40;
    const at = new Date(Number(time) || Date.now());
    const clock = h('time', { datetime: at.toISOString() }, at.toLocaleTimeString(getLanguage(), { hour: 'numeric', minute: '2-digit' }));
    const who = own ? h('strong', { i18n: 'room.you' }) : h('strong', {}, String(name));
    lines.append(h('li', { class: own ? 'own' : null }, h('div', { class: 'line-head' }, who, clock), h('p', {}, String(text))));
    if (lines.childElementCount > LINES_MAX) lines.firstElementChild.remove();
    if (atEnd || own) lines.scrollTop = lines.scrollHeight;
  }

  /* ---- People ---- */

  #showPeople() {
    if (this.open !== 'people') return;
    const { roster, participant } = this.#call;
    const members = [...roster.values()].sort((a, b) => (b.id === participant) - (a.id === participant)
      || Boolean(b.hand) - Boolean(a.hand) || String(a.name).localeCompare(String(b.name)));
    setText(this.#nodes.count, tCount('people.count', members.length));
    this.#nodes.people.replaceChildren(...members.map((member) => person(member, member.id === participant)));
  }
}

function person(member, own) {
  const mark = (name, key, extra = '') => {
    const node = h('span', { class: `mark ${extra}`, role: 'img' }, icon(name));
    setLabel(node, key);
    return node;
  };
  const name = own ? t('room.youNamed', { name: member.name }) : String(member.name);
  return h('li', { class: member.talking && !member.audioMuted ? 'talking' : null },
    h('span', { class: 'avatar small', 'aria-hidden': 'true' }, initials(String(member.name))),
    h('span', { class: 'person-name' }, name),
    member.hand ? mark('hand', 'people.hand', 'accent') : null,
    member.videoMuted || !member.video ? mark('cameraOff', 'people.noCamera') : null,
    member.audioMuted || !member.audio ? mark('microphoneOff', 'people.noMicrophone') : null,
    member.talking && !member.audioMuted ? mark('microphone', 'people.talking', 'accent') : null,
    qualityLabel(member.quality) ? qualityMark(member.quality) : null);
}
