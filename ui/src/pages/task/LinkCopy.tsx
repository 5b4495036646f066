/** Copies the address of a part of this page, to be sent to a colleague. */

import { Copy } from "../../parts/Copy";

interface Props {
  /** The part: an id of the page. */
  hash?: string;
  /** Words of the address that differ from what is shown. */
  words?: Record<string, string | null>;
  label: string;
}

export function LinkCopy({ hash, words = {}, label }: Props) {
  const text = () => {
    const url = new URL(window.location.href);
    for (const [name, value] of Object.entries(words)) {
      if (value === null) url.searchParams.delete(name);
      else url.searchParams.set(name, value);
    }
    url.hash = hash ?? "";
    return url.href;
  };
  return <Copy text={text} label={label} />;
}
