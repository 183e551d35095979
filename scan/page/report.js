// SPDX-License-Identifier: GPL-2.0-or-later
// The page can be read without this: it adds search, order, filters and a button that copies a command.
'use strict';
(() => {
  const list = document.getElementById('list');
  const controls = document.getElementById('controls');
  const search = document.getElementById('search');
  const order = document.getElementById('sort');
  const shown = document.getElementById('shown');
  const rows = Array.from(list.children, (element, rank) => ({ element, rank, text: null }));
  const boxes = Array.from(controls.querySelectorAll('input[type=checkbox]'));

  // In lower case, made when it is first searched
  const textOf = row => row.text ??= row.element.textContent.toLowerCase();
  const nameOf = row => row.element.querySelector('bdi').textContent;

  function filter() {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const impacts = new Set(boxes.filter(box => box.checked).map(box => box.value));
    let count = 0;
    for (const row of rows) {
      const isShown = impacts.has(row.element.dataset.impact) && words.every(word => textOf(row).includes(word));
      row.element.hidden = !isShown;
      count += isShown;
    }
    shown.value = `${count} of ${rows.length} shown`;
  }

  function sort() {
    const key = order.value;
    const number = row => Number(row.element.dataset[key]);
    const compare = key === '' ? () => 0
      : key === 'name' ? (a, b) => nameOf(a).localeCompare(nameOf(b), 'en', { numeric: true })
      : (a, b) => number(b) - number(a);
    list.append(...rows.slice().sort((a, b) => compare(a, b) || a.rank - b.rank).map(row => row.element));
  }

  // A link to a row opens it, and shows it though a filter hides it
  function openTarget() {
    const row = document.getElementById(location.hash.slice(1))?.closest('#list > details');
    if (!row) return;
    row.hidden = false;
    row.open = true;
    row.scrollIntoView();
    row.querySelector('summary').focus({ preventScroll: true });
  }

  async function copy(button, command) {
    try {
      await navigator.clipboard.writeText(command.textContent);
      button.textContent = 'Copied';
    } catch {
      getSelection().selectAllChildren(command);
      button.textContent = 'Selected';
    }
  }

  function addCopyButtons(row) {
    for (const place of row.querySelectorAll('pre')) {
      if (place.querySelector('button')) continue;
      const command = document.createElement('span');
      const button = document.createElement('button');
      command.append(...place.childNodes);
      button.type = 'button';
      button.textContent = 'Copy';
      button.addEventListener('click', () => copy(button, command));
      place.append(command, button);
    }
  }

  // Browsers that do not print what is closed: open it for the time being
  let opened = [];
  addEventListener('beforeprint', () => {
    opened = rows.map(row => row.element).filter(row => !row.hidden && !row.open);
    for (const row of opened) row.open = true;
  });
  addEventListener('afterprint', () => {
    for (const row of opened) row.open = false;
  });

  list.addEventListener('toggle', event => event.target.open && addCopyButtons(event.target), true);
  addEventListener('hashchange', openTarget);
  controls.addEventListener('submit', event => event.preventDefault());
  controls.addEventListener('input', event => event.target === order ? sort() : filter());
  controls.hidden = rows.length === 0;
  filter();
  openTarget();
})();
