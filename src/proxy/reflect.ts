/**
 * The certificate library asks Reflect for constructor types while it loads, and refuses to load where nothing answers.
 * Its own build carries no such types, so "none" is the full and true answer. An existing polyfill is left alone.
 */
const answers: Readonly<Record<string, () => undefined>> = {
  getMetadata: () => undefined,
  getOwnMetadata: () => undefined,
  defineMetadata: () => undefined,
}

for (const [name, answer] of Object.entries(answers)) {
  if (!Reflect.has(Reflect, name)) Object.defineProperty(Reflect, name, { value: answer, configurable: true, writable: true })
}
