/** What is the same by its key once, where it stood first, as it was given last. */
export function eachOnce<Item>(items: readonly Item[], key: (item: Item) => string): Item[] {
  return [...new Map(items.map((item) => [key(item), item])).values()];
}
