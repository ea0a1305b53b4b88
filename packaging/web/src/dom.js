// A tree of elements as a value, and the page made like it with the fewest changes: what a person has focused, opened
// or selected stays as it is.

const SVG = 'http://www.w3.org/2000/svg';

const present = (children) => children.flat(Infinity).filter((c) => c !== null && c !== undefined && c !== false);

/* h('td', { class: 'x', onclick: f, key: 'name' }, 'text', h(…), null). A `hook` is { mount, update, unmount }: an
 * element that something else draws into; it is given the element and `data`. */
export function h(tag, props, ...children) {
  return { tag, props: props ?? {}, children: present(children) };
}

function setProp(node, name, value) {
  if (name === 'key' || name === 'hook' || name === 'data') return;
  if (name.startsWith('on')) node[name] = value ?? null;
  else if (name === 'value') node.value = value;
  else if (value === true) node.setAttribute(name, '');
  else if (value === null || value === undefined || value === false) node.removeAttribute(name);
  else node.setAttribute(name, value);
}

function create(v, space) {
  if (typeof v !== 'object') return document.createTextNode(v);
  const node = space ? document.createElementNS(space, v.tag) : document.createElement(v.tag);
  node.made = { props: {} };
  return node;
}

function update(node, v, space) {
  if (typeof v !== 'object') {
    if (node.data !== String(v)) node.data = v;
    return;
  }
  const old = node.made.props,
    first = !node.made.live;
  for (const name of Object.keys(old)) if (!(name in v.props)) setProp(node, name, null);
  for (const [name, value] of Object.entries(v.props)) if (old[name] !== value) setProp(node, name, value);
  node.made = { props: v.props, live: true };
  if (!v.props.hook) patch(node, v.children, space);
  else if (first) v.props.hook.mount(node, v.props.data);
  else v.props.hook.update(node, v.props.data);
}

function forget(node) {
  for (const child of node.childNodes) forget(child);
  node.made?.props.hook?.unmount(node);
}

const isLike = (node, v) =>
  typeof v !== 'object'
    ? node.nodeType === Node.TEXT_NODE
    : node.made && node.localName === v.tag && node.made.props.key === v.props.key;

/* Makes the children of an element as told. Keys are of siblings. */
export function patch(element, children, space) {
  const keyed = new Map();
  for (const node of element.childNodes) if (node.made?.props.key !== undefined) keyed.set(node.made.props.key, node);
  let at = element.firstChild;
  for (const v of present(children)) {
    const inner = v.tag === 'svg' ? SVG : space;
    const found = v.props?.key !== undefined ? keyed.get(v.props.key) : at;
    const node = found && isLike(found, v) ? found : create(v, inner);
    if (node === at) at = at.nextSibling;
    else element.insertBefore(node, at);
    update(node, v, inner);
  }
  while (at) {
    const next = at.nextSibling;
    forget(at);
    at.remove();
    at = next;
  }
}
