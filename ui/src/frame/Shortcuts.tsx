/** Lists the shortcuts that hold on this page. */

import { Dialog } from "../parts/Dialog";
import { useShortcuts } from "../parts/keys";
import styles from "./Shortcuts.module.css";

export function Shortcuts({ open, onClose }: { open: boolean; onClose: () => void }) {
  const known = useShortcuts();
  return (
    <Dialog open={open} title="Keyboard shortcuts" onClose={onClose}>
      <table className={styles.keys}>
        <thead className="unseen">
          <tr>
            <th scope="col">Keys</th>
            <th scope="col">What they do</th>
          </tr>
        </thead>
        <tbody>
          {[{ keys: "Ctrl+K", title: "Search and act, from anywhere" }, ...known].map((each) => (
            <tr key={`${each.keys} ${each.title}`}>
              <td>
                {each.keys.split(" ").map((key) => (
                  <kbd key={key}>{key}</kbd>
                ))}
              </td>
              <td>{each.title}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </Dialog>
  );
}
