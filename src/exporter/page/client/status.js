// @ts-check
/**
 * Keeps the status page fresh in the browser: takes over what changed, moves the waiting connections, counts the
 * times on. The page is complete without it. Runs as it stands here, so it is JavaScript with checked types.
 */
(() => {
  const loadedAt = performance.now();
  const serverNow = Number(document.body.dataset['now']);
  /** The server's clock, seconds: its time when the page was made plus what passed since. */
  const now = () => serverNow + (performance.now() - loadedAt) / 1000;

  const live = /** @type {HTMLElement} */ (document.getElementById('live'));
  const announcer = /** @type {HTMLElement} */ (document.getElementById('announce'));

  /** When the ages in an element were true, on the server's clock. @type {WeakMap<Element, number>} */
  const renderedAt = new WeakMap();
  for (const card of document.querySelectorAll('article.card')) renderedAt.set(card, serverNow);

  /** @param {number} total */
  const words = (total) => {
    const s = Math.floor(total);
    if (s < 5) return 'just now';
    if (s < 60) return `${s} s ago`;
    if (s < 3600) return s % 60 === 0 ? `${s / 60} min ago` : `${Math.floor(s / 60)} min ${s % 60} s ago`;
    if (s < 86400) return `${Math.floor(s / 3600)} h ${Math.floor((s % 3600) / 60)} min ago`;
    return `${Math.floor(s / 86400)} d ${Math.floor((s % 86400) / 3600)} h ago`;
  };

  const tick = () => {
    for (const time of document.querySelectorAll('time[data-ago]')) {
      const at = Date.parse(/** @type {HTMLTimeElement} */ (time).dateTime) / 1000;
      const text = words(now() - at);
      if (time.textContent !== text) time.textContent = text;
    }
    for (const card of document.querySelectorAll('article.card')) moveWaiting(card);
  };

  /** @param {Element} card */
  const moveWaiting = (card) => {
    const passed = now() - (renderedAt.get(card) ?? now());
    for (const strip of card.querySelectorAll('svg.strip')) {
      const { max, knee } = /** @type {SVGElement} */ (strip).dataset;
      const whole = Math.log1p(Number(max) / Number(knee));
      for (const dot of strip.querySelectorAll('[data-age]')) {
        const age = Math.min(Number(dot.getAttribute('data-age')) + passed, Number(max));
        dot.setAttribute('cx', `${((100 * Math.log1p(age / Number(knee))) / whole).toFixed(2)}%`);
      }
    }
  };

  /**
   * Copies the text of an element. Where a page is not served over TLS browsers have no clipboard for it, but what is
   * selected can be copied all the same.
   * @param {Element} source
   */
  const copy = async (source) => {
    if (navigator.clipboard) return navigator.clipboard.writeText(source.textContent ?? '');
    getSelection()?.selectAllChildren(source);
    document.execCommand('copy');
    getSelection()?.removeAllRanges();
  };

  /** @param {ParentNode} root */
  const addCopyButtons = (root) => {
    for (const figure of root.querySelectorAll('figure.snippet')) {
      const [caption, code] = [figure.querySelector('figcaption'), figure.querySelector('code')];
      if (!caption || !code || figure.querySelector('button')) continue;
      const button = document.createElement('button');
      button.type = 'button';
      button.textContent = 'Copy';
      button.setAttribute('aria-label', `Copy the setting for ${caption.textContent ?? ''}`);
      button.addEventListener('click', async () => {
        await copy(code);
        button.textContent = 'Copied';
        setTimeout(() => (button.textContent = 'Copy'), 2000);
      });
      caption.append(button);
    }
  };

  /** How long an answer to "Measure again now" stays, ms. */
  const SAID_FOR = 20_000;

  // The form works without this, too, and then comes back with the whole page.
  document.addEventListener('submit', async (event) => {
    const form = event.target;
    if (!(form instanceof HTMLFormElement) || !form.matches('form.again')) return;
    event.preventDefault();
    const name = form.closest('article')?.getAttribute('data-target') ?? '';
    const body = new URLSearchParams();
    for (const [key, value] of new FormData(form)) body.set(key, String(value));
    let said = 'The exporter did not answer.';
    try {
      const response = await fetch(form.action, {
        method: 'POST',
        body,
        headers: { accept: 'application/json' },
      });
      const isJson = response.headers.get('content-type')?.startsWith('application/json');
      said = isJson ? (await response.json()).text : await response.text();
    } catch {
      // Said already.
    }
    const say = (/** @type {string} */ text) => {
      const place = cardOf(name)?.querySelector('.asked');
      if (place) place.textContent = text;
    };
    say(said);
    setTimeout(() => say(''), SAID_FOR);
  });

  /** @param {string} source @param {string} parent */
  const parse = (source, parent) => {
    const holder = document.createElement(parent);
    holder.innerHTML = source;
    return holder.firstElementChild;
  };

  /** What tells an element from its neighbours in every version of a card. @param {Element} element */
  const nameOf = (element) => {
    const key = element.closest('details')?.getAttribute('data-key') ?? '';
    const own =
      element.tagName === 'SUMMARY' ? '' : (element.getAttribute('aria-label') ?? element.textContent);
    return `${element.tagName} ${key} ${own}`;
  };

  /**
   * Exchanges an element for its new version; what is open stays open, what has the focus keeps it.
   * @param {Element} old @param {Element} fresh
   */
  const exchange = (old, fresh) => {
    for (const details of old.querySelectorAll('details[open][data-key]')) {
      const key = details.getAttribute('data-key');
      fresh.querySelector(`details[data-key="${key}"]`)?.setAttribute('open', '');
    }
    const focusable = 'a, button, summary, [tabindex]';
    const focused = old.contains(document.activeElement) ? document.activeElement : null;
    const scrolled = [...old.querySelectorAll('.scroll')].map((box) => [box.scrollLeft, box.scrollTop]);
    const [said, place] = [old.querySelector('.asked')?.textContent, fresh.querySelector('.asked')];
    if (place && said) place.textContent = said;
    old.replaceWith(fresh);
    addCopyButtons(fresh);
    fresh.querySelectorAll('.scroll').forEach((box, index) => {
      [box.scrollLeft = 0, box.scrollTop = 0] = scrolled[index] ?? [0, 0];
    });
    if (!focused) return;
    const successor = [...fresh.querySelectorAll(focusable)].find(
      (element) => nameOf(element) === nameOf(focused),
    );
    if (successor instanceof HTMLElement) successor.focus({ preventScroll: true });
  };

  /** Somebody who selects text must not have it pulled away. @param {Element} card */
  const isSelected = (card) => {
    const selection = getSelection();
    return selection !== null && !selection.isCollapsed && selection.containsNode(card, true);
  };

  /** A fleet's page is a table without cards. */
  const hasCards = document.querySelector('article.card') !== null;

  /** @param {string} name */
  const cardOf = (name) => document.querySelector(`article[data-target="${CSS.escape(name)}"]`);
  /** @param {string} name */
  const rowOf = (name) => document.querySelector(`tr[data-row="${CSS.escape(name)}"]`);

  /** Targets whose cards are out of date. @type {Set<string>} */
  const stale = new Set();
  let fetching = false;

  const refresh = async () => {
    const names = [...stale].filter((name) => {
      const shown = cardOf(name) ?? rowOf(name);
      return shown !== null && !isSelected(shown);
    });
    if (fetching || names.length === 0) return;
    fetching = true;
    // A fleet's names would not fit into one address: the rest comes with the next turn.
    const asked = names.slice(0, 50);
    // Before they are asked for: what changes while the answer is under way is out of date again.
    for (const name of asked) stale.delete(name);
    try {
      const query = new URLSearchParams(asked.map((name) => ['target', name]));
      if (!hasCards) query.set('only', 'rows');
      const response = await fetch(`api/v1/fragments?${query}`, { headers: { accept: 'application/json' } });
      if (!response.ok) throw new Error(`the server answered ${response.status}`);
      const fragments = await response.json();
      show(fragments);
      setLive('live', true);
    } catch {
      for (const name of asked) stale.add(name);
      setLive('not up to date, trying again', false);
    } finally {
      fetching = false;
    }
  };

  /** @param {{now: number, asof: string, summary: string, targets: {name: string, at: number, card: string, row: string}[]}} fragments */
  const show = (fragments) => {
    const summary = document.getElementById('summary');
    if (summary) summary.innerHTML = fragments.summary;
    setAsOf(fragments.now, fragments.asof);
    for (const { name, at, card, row } of fragments.targets) {
      const old = cardOf(name);
      const fresh = parse(card, 'div');
      if (old && fresh) {
        const verdict = fresh.getAttribute('data-verdict');
        if (verdict !== old.getAttribute('data-verdict')) announcer.textContent = `${name}: ${verdict}`;
        renderedAt.set(fresh, at);
        exchange(old, fresh);
      }
      const oldRow = rowOf(name);
      const freshRow = parse(row, 'tbody');
      if (oldRow && freshRow) exchange(oldRow, freshRow);
    }
    tick();
  };

  /** @param {number} at @param {string} text */
  const setAsOf = (at, text) => {
    const time = /** @type {HTMLTimeElement | null} */ (document.getElementById('asof'));
    if (!time) return;
    time.dateTime = new Date(at * 1000).toISOString();
    time.textContent = text;
  };

  /** @param {string} text @param {boolean} good */
  const setLive = (text, good) => {
    if (live.textContent !== text) live.textContent = text;
    live.className = good ? 'good' : 'bad';
  };

  const source = new EventSource('api/v1/events');
  source.addEventListener('open', () => {
    setLive('live', true);
    // What happened while nobody listened is unknown: ask for everything that is shown.
    for (const shown of document.querySelectorAll('article.card, tr[data-row]'))
      stale.add(shown.getAttribute('data-target') ?? shown.getAttribute('data-row') ?? '');
    void refresh();
  });
  source.addEventListener('error', () => setLive('connection lost, trying again', false));
  source.addEventListener('changed', (event) => {
    for (const name of JSON.parse(event.data).targets) stale.add(name);
    void refresh();
  });
  // Targets came or went: the page itself is another one.
  source.addEventListener('targets', () => location.reload());

  setInterval(() => {
    tick();
    void refresh();
  }, 1000);
  addCopyButtons(document);
})();
