// The stand-in for Jira's frame script. It gives `AP` to an app's frame, with the methods,
// callbacks and promises of https://developer.atlassian.com/cloud/jira/platform/jsapi/context/
// and its neighbours, over messages to the page around the frame. It speaks with the site that
// it was loaded from and with nobody else: in a frame on any other page no call is answered.
// @ts-check
(() => {
  const script = document.currentScript;
  if (!(script instanceof HTMLScriptElement)) throw new Error("all.js is a classic script");
  const site = new URL(script.src).origin;
  const options = (script.dataset.options ?? "").replaceAll(" ", "").split(";");

  /** Asks the page around the frame, and hears what it tells unasked. */
  class Channel {
    /** @type {Map<number, PromiseWithResolvers<any>>} */ #asked = new Map();
    /** @type {Map<string, (told: any) => void>} */ #told = new Map();
    #last = 0;

    constructor() {
      addEventListener("message", (event) => this.#hear(event));
    }

    /**
     * @param {string} call
     * @param {unknown[]} args
     * @returns {Promise<any>}
     */
    ask(call, ...args) {
      const answer = Promise.withResolvers();
      this.#last += 1;
      this.#asked.set(this.#last, answer);
      if (parent !== window) parent.postMessage({ connect: "ask", id: this.#last, call, args }, site);
      return answer.promise;
    }

    /**
     * @param {string} about
     * @param {(told: any) => void} listener
     */
    whenTold(about, listener) {
      this.#told.set(about, listener);
    }

    /** @param {MessageEvent} event */
    #hear(event) {
      if (event.source !== parent || event.origin !== site) return;
      const { connect, id, value, error, about } = event.data ?? {};
      if (connect === "tell") this.#told.get(about)?.(value);
      const answer = this.#asked.get(id);
      if (connect !== "answer" || !answer) return;
      this.#asked.delete(id);
      if (error) answer.reject(new Error(error));
      else answer.resolve(value);
    }
  }

  /** Wears the site's colours: sheets made by script need no leave of the frame's own policy. */
  class Theming {
    #sheet = new CSSStyleSheet();
    /** @type {Channel} */ #channel;

    /** @param {Channel} channel */
    constructor(channel) {
      this.#channel = channel;
      channel.whenTold("theme", (mode) => this.#wear(mode));
    }

    async initializeTheming() {
      const { css, mode } = await this.#channel.ask("theming.initializeTheming");
      this.#sheet.replaceSync(css);
      if (!document.adoptedStyleSheets.includes(this.#sheet)) {
        document.adoptedStyleSheets.push(this.#sheet);
      }
      this.#wear(mode);
    }

    /** @param {"light" | "dark"} mode */
    #wear(mode) {
      document.documentElement.dataset.theme = "light:light dark:dark";
      document.documentElement.dataset.colorMode = mode;
    }
  }

  /** Keeps the frame as high as what is in it. */
  class Sizing {
    /** @type {Channel} */ #channel;
    #fitted = 0;

    /** @param {Channel} channel */
    constructor(channel) {
      this.#channel = channel;
      if (options.includes("sizeToParent:true")) this.sizeToParent();
      else if (!options.includes("resize:false")) addEventListener("load", () => this.#follow());
    }

    #follow() {
      const content = this.#content();
      if (content === document.body) this.resize();
      else new ResizeObserver(() => this.#fit()).observe(content);
    }

    #fit() {
      const height = this.#height();
      if (height !== this.#fitted) this.resize("100%", height);
      this.#fitted = height;
    }

    /**
     * @param {string | number} [width]
     * @param {string | number} [height] pixels, or a text with a unit; measured when not given
     */
    resize(width = "100%", height = this.#height()) {
      this.#channel.ask("resize", width, height);
    }

    sizeToParent() {
      this.#channel.ask("sizeToParent");
    }

    #height() {
      const content = this.#content();
      const { marginBottom, paddingBottom } = getComputedStyle(document.body);
      const below = content === document.body ? [marginBottom] : [marginBottom, paddingBottom];
      const bottom = content.getBoundingClientRect().bottom + scrollY;
      return Math.ceil(below.reduce((sum, length) => sum + parseFloat(length), bottom));
    }

    #content() {
      return document.querySelector(".ac-content, #content") ?? document.body;
    }
  }

  /** Events among the frames of one app; who emits one does not hear it. */
  class Events {
    /** @type {Map<string, Set<(...args: any[]) => void>>} */ #listeners = new Map();
    /** @type {Channel} */ #channel;

    /** @param {Channel} channel */
    constructor(channel) {
      this.#channel = channel;
      channel.whenTold("event", ({ name, args }) => this.#pass(name, args));
    }

    /**
     * @param {string} name
     * @param {(...args: any[]) => void} listener
     */
    on(name, listener) {
      const listeners = this.#listeners.get(name) ?? new Set();
      this.#listeners.set(name, listeners.add(listener));
    }

    /**
     * @param {string} name
     * @param {(...args: any[]) => void} listener
     */
    off(name, listener) {
      this.#listeners.get(name)?.delete(listener);
    }

    /**
     * @param {string} name
     * @param {unknown[]} args
     */
    emit(name, ...args) {
      this.#channel.ask("events.emit", name, args);
    }

    /**
     * @param {string} name
     * @param {unknown[]} args
     */
    #pass(name, args) {
      for (const listener of [...(this.#listeners.get(name) ?? [])]) listener(...args);
    }
  }

  const channel = new Channel();
  const theming = new Theming(channel);
  const sizing = new Sizing(channel);
  const events = new Events(channel);

  /**
   * As Jira's: what is asked for is given to the callback, if there is one, and promised.
   * @param {string} call
   */
  const asked = (call) => /** @param {(value: any) => void} [callback] */ (callback) => {
    const promise = channel.ask(call);
    if (callback) promise.then(callback);
    return promise;
  };

  Object.assign(window, {
    AP: {
      context: { getToken: asked("context.getToken"), getContext: asked("context.getContext") },
      user: {
        getLocale: asked("user.getLocale"),
        getCurrentUser: asked("user.getCurrentUser"),
      },
      theming: { initializeTheming: () => theming.initializeTheming() },
      events: {
        on: events.on.bind(events),
        off: events.off.bind(events),
        emit: events.emit.bind(events),
      },
      resize: sizing.resize.bind(sizing),
      sizeToParent: sizing.sizeToParent.bind(sizing),
    },
  });
})();
