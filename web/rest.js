/* The server's REST interface, for the broadcaster's side of a page: JSON in, JSON out, problems as errors. */

/** A request that was refused: `status` (0: nobody answered), `type` (last part of the problem's), `detail` for people. */
export class RestError extends Error {
  constructor(status, type, detail) {
    super(detail || type);
    Object.assign(this, { name: 'RestError', status, type, detail });
  }
}

function problemOf(status, text) {
  try {
    const { type, detail, title } = JSON.parse(text);
    return new RestError(status, String(type ?? '').split('/').at(-1), String(detail ?? title ?? ''));
  } catch {
    return new RestError(status, '', '');
  }
}

/** A path from its parts, each escaped: pathOf('rooms', 'a b', 'outputs'). */
export function pathOf(...parts) {
  return parts.map((part) => encodeURIComponent(part)).join('/');
}

export class Rest {
  #base;
  #token;

  /** @param url of the server; token: (optional) a JWT, sent as the bearer's */
  constructor({ url, token }) {
    this.#base = new URL('api/v1/', url);
    this.#token = token || null;
  }

  get = (path, options) => this.#json('GET', path, options);
  post = (path, body) => this.#json('POST', path, { body });
  patch = (path, body) => this.#json('PATCH', path, { body });
  remove = (path) => this.#json('DELETE', path);

  /** What a GET brings, as a Blob. */
  async blob(path, accept, { signal } = {}) {
    const response = await this.#send('GET', path, { headers: { Accept: accept }, signal });
    return response.blob();
  }

  /** For <video src> and <img src>, which send no headers. */
  address(path, parameters = {}) {
    const url = new URL(path, this.#base);
    for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value);
    if (this.#token) url.searchParams.set('access_token', this.#token);
    return url.href;
  }

  /** Sends a file: by XMLHttpRequest, as fetch() tells no progress. @param onProgress (sent [0..1]) */
  upload(method, path, file, { onProgress, signal } = {}) {
    return new Promise((resolve, reject) => {
      const request = new XMLHttpRequest();
      request.open(method, new URL(path, this.#base));
      request.setRequestHeader('Content-Type', file.type || 'application/octet-stream');
      if (this.#token) request.setRequestHeader('Authorization', `Bearer ${this.#token}`);
      request.upload.onprogress = ({ loaded, total }) => onProgress?.(total > 0 ? loaded / total : 0);
      request.onerror = () => reject(new RestError(0, 'unreachable', ''));
      request.onabort = () => reject(new DOMException('stopped', 'AbortError'));
      request.onload = () => {
        if (request.status >= 300) reject(problemOf(request.status, request.responseText));
        else resolve(request.responseText ? JSON.parse(request.responseText) : null);
      };
      signal?.addEventListener('abort', () => request.abort());
      request.send(file);
    });
  }

  async #json(method, path, { body, signal } = {}) {
    const headers = body === undefined ? {} : { 'Content-Type': 'application/json' };
    const response = await this.#send(method, path, { headers, signal, body: body === undefined ? undefined : JSON.stringify(body) });
    const text = await response.text();
    return text === '' ? null : JSON.parse(text);
  }

  async #send(method, path, { headers, body, signal }) {
    const all = this.#token ? { ...headers, Authorization: `Bearer ${this.#token}` } : headers;
    const response = await fetch(new URL(path, this.#base), { method, headers: all, body, signal, cache: 'no-store' }).catch((error) => {
      throw error.name === 'AbortError' ? error : new RestError(0, 'unreachable', '');
    });
    if (!response.ok) throw problemOf(response.status, await response.text().catch(() => ''));
    return response;
  }
}
