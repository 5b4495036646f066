/** The frame of a page: where one is, its title, and what can be done here. */

import { useEffect, type ReactNode } from "react";

import { Link } from "./Link";
import styles from "./Page.module.css";

interface Props {
  /** Also the title of the browser's tab. */
  title: string;
  /** What stands in the heading instead of the title's text. */
  heading?: ReactNode;
  crumbs?: { title: string; to: string }[];
  actions?: ReactNode;
  /** A line under the title. */
  lead?: ReactNode;
  /** The page fills the window and scrolls inside. */
  full?: boolean;
  children: ReactNode;
}

export function Page({ title, heading, crumbs = [], actions, lead, full, children }: Props) {
  useEffect(() => {
    document.title = `${title} · Orchestrator`;
  }, [title]);
  return (
    <main id="main" className={styles.page} data-full={full || undefined} tabIndex={-1}>
      <header className={styles.head}>
        {crumbs.length > 0 && (
          <nav aria-label="Breadcrumb">
            <ol className={styles.crumbs}>
              {crumbs.map((crumb) => (
                <li key={crumb.to}>
                  <Link to={crumb.to}>{crumb.title}</Link>
                </li>
              ))}
            </ol>
          </nav>
        )}
        <div className={styles.title}>
          <h1>{heading ?? title}</h1>
          {actions && <div className={styles.actions}>{actions}</div>}
        </div>
        {lead && <div className={styles.lead}>{lead}</div>}
      </header>
      {children}
    </main>
  );
}
