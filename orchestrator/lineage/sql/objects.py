"""What CREATE, ALTER and DROP can be about, in any dialect; a word that is not known is an error."""

from __future__ import annotations

from collections.abc import Sequence

from sqlglot.tokenizer_core import Token

from orchestrator.lineage.sql.tokens import word, words
from orchestrator.nearest import near_to

#: First words of statements about an object of some kind.
ABOUT_OBJECTS = frozenset({"CREATE", "ALTER", "DROP", "UNDROP"})
#: What a kind may be qualified by.
_MODIFIERS = words(
    """
    OR REPLACE ALTER REFRESH IF NOT EXISTS TEMP TEMPORARY TRANSIENT VOLATILE GLOBAL LOCAL PRIVATE
    PUBLIC UNLOGGED EXTERNAL FOREIGN MATERIALIZED RECURSIVE DYNAMIC HYBRID ICEBERG INTERACTIVE
    LIVE STREAMING SECURE FORCE NO NOFORCE EDITIONABLE NONEDITIONABLE UNIQUE BITMAP CLUSTERED
    NONCLUSTERED COLUMNSTORE FULLTEXT SPATIAL PRIMARY XML JSON VECTOR SEARCH PERSISTENT MULTISET
    SET SHARDED DUPLICATED IMMUTABLE BLOCKCHAIN TRUSTED AGGREGATE WINDOW SCALAR SEMANTIC CACHED
    MANAGED ROW ACCESS MASKING AGGREGATION PROJECTION JOIN STORAGE LIFECYCLE NETWORK PASSWORD
    AUTHENTICATION PACKAGES PRIVACY RESOURCE API NOTIFICATION SECURITY COMPUTE IMAGE GIT METRIC
    CORTEX FILE SNAPSHOT EVENT TEXT DATA CONSTRAINT ASYMMETRIC SYMMETRIC MESSAGE PARTITION REMOTE
    SELECTIVE AVAILABILITY COLUMN MASTER ENCRYPTION WORKLOAD PLUGGABLE ANALYTIC ATTRIBUTE
    FLASHBACK RESTORE ROLLBACK PROPERTY NAMED SETTINGS LOGFILE UNDO BLOOMFILTER ERROR HASH LARGE
    DEFAULT ONLINE INSTANCE REPLICATION FAILOVER PROCEDURAL COVERING ALIAS LATEST SQL DEFINER
    INVOKER ALGORITHM = UNDEFINED MERGE TEMPTABLE READ WRITE ROUTINE OFFLINE IDENTITY AUDIT
    BINDING CURRENT MEMORY
    """
)
#: Kinds of objects.
_KINDS = words(
    """
    TABLE TABLES VIEW VIEWS SCHEMA SCHEMAS DATABASE INDEX SEQUENCE FUNCTION PROCEDURE PROC MACRO
    TYPE DOMAIN EXTENSION ROLE USER GROUP LOGIN TRIGGER EVENT SERVER TABLESPACE LANGUAGE OPERATOR
    AGGREGATE CAST COLLATION CONVERSION POLICY PUBLICATION SUBSCRIPTION RULE STATISTICS TRANSFORM
    WRAPPER METHOD CONFIGURATION DICTIONARY PARSER TEMPLATE MAPPING OBJECT PRIVILEGES OWNED
    WAREHOUSE STAGE STREAM TASK PIPE FORMAT INTEGRATION SHARE TAG SECRET ALERT MONITOR ACCOUNT
    CONNECTION POOL SERVICE REPOSITORY APPLICATION PACKAGE LISTING NOTEBOOK STREAMLIT MODEL
    DATASET CLASS CONTACT VOLUME CATALOG EXPERIMENT PROJECT AGENT BUDGET BACKUP ORGANIZATION
    WORKSPACE PROFILE JOB RESERVATION CAPACITY ASSIGNMENT CONSTANT ASSEMBLY KEY CERTIFICATE
    CONTRACT CREDENTIAL CREDENTIALS CRYPTOGRAPHIC DEFAULT ENDPOINT STOPLIST SCHEME QUEUE ROUTE
    SYNONYM COLLECTION BROKER SOURCE SINK LIBRARY CLUSTER CONTEXT CONTROLFILE LINK DIMENSION
    DIRECTORY DISKGROUP EDITION ARCHIVE HIERARCHY INDEXTYPE INMEMORY JAVA LOCKDOWN LOG ZONEMAP
    OUTLINE PFILE SPFILE POINT SEGMENT GRAPH MLE BODY QUOTA RECIPIENT LOCATION CLEANROOM FLOW
    EXPECTATION REPLICA DATASHARE AUTHORIZATION SESSION SYSTEM MASK FUNCTIONS LOAD ENCRYPTKEY
    RESOURCE WORKLOAD STORAGE NAMESPACE ENGINE PARTITION COLUMN POLICIES SPECIFICATION GATEWAY
    SNAPSHOT INSTANCE ENVIRONMENT SUBSCRIBER PROTOCOL STRUCT MODULE NODEGROUP VARIABLE BUFFERPOOL
    ALIAS NICKNAME THRESHOLD PERMISSION REFERENCE
    """
)


def kind_of(tokens: Sequence[Token]) -> tuple[str, int]:
    """What a statement creates, alters or drops.

    Args:
        tokens: The statement; its first word is not looked at.

    Returns:
        (the kind in upper case, index of the word); the kind is empty where none is known, and the
        index is then that of the word which is not.

    Example:
        ``CREATE OR REPLACE TEMP TABLE t`` is about a ``TABLE``, at index 4.
    """
    for index, token in enumerate(tokens[1:], 1):
        name = word(token)
        if name in _KINDS and not _qualifies(name, tokens[index + 1 : index + 2]):
            return name, index
        if name not in _MODIFIERS and name not in _KINDS and not _is_value(tokens, index):
            return "", index
    return "", len(tokens)


def unknown_kind(tokens: Sequence[Token]) -> tuple[str, Token] | None:
    """What is wrong with a statement that is about nothing known, and where; None where nothing is.

    Args:
        tokens: The statement.
    """
    verb = word(tokens[0])
    if verb not in ABOUT_OBJECTS:
        return None
    kind, index = kind_of(tokens)
    if kind:
        return None
    if index >= len(tokens):
        return f"{verb} of what? The statement ends too early", tokens[-1]
    text = tokens[index].text
    near = near_to(text, sorted(_KINDS), 0.7)
    hint = f"; did you mean {near}?" if near else ""
    return f"{verb} of '{text[:30]}' is not known{hint}", tokens[index]


def _qualifies(name: str, following: Sequence[Token]) -> bool:
    """Whether a word that may be a kind qualifies another here, as in ``EVENT TABLE``."""
    return name in _MODIFIERS and any(word(token) in _KINDS for token in following)


def _is_value(tokens: Sequence[Token], index: int) -> bool:
    """Whether a word is what follows an equals sign, as in ``DEFINER = somebody``."""
    return index > 1 and "=" in (word(tokens[index - 1]), word(tokens[index - 2]))
