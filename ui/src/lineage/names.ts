/** Names of datasets as people read them. */

export interface Parted {
  /** What it is called. */
  last: string;
  /** Where it lies: catalog and schema, or the folder, with the mark that ends it. */
  before: string;
}

/** A dotted name as what it is called and where it lies; a path has its folder. */
export function parted(name: string): Parted {
  const cut = name.includes("/") ? name.lastIndexOf("/") + 1 : name.lastIndexOf(".") + 1;
  return cut < name.length
    ? { last: name.slice(cut), before: name.slice(0, cut) }
    : { last: name, before: "" };
}
