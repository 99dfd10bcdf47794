"""What may change imports: files come in, and an import is started, paused, resumed, ended."""

from ingestion.services.copies import record_refused_copy
from ingestion.services.files import (
    CopyPolicy,
    ImportOptions,
    KnownPolicy,
    MetadataRules,
    Outcome,
    Result,
)
from ingestion.services.life import (
    CANCELLABLE,
    PAUSABLE,
    RESUMABLE,
    RETRIABLE,
    cancel,
    close_abandoned,
    fail,
    find_interrupted,
    forget_ended,
    hand_out_imports,
    pause,
    plan_import,
    record_import,
    resume,
    retry,
    start,
)
from ingestion.services.opening import absolute, list_files, opened
from ingestion.services.plans import ImportPlan, make_plan
from ingestion.services.recording import ImportTakenOver
from ingestion.services.runs import begin_by_command, run, run_turn
from ingestion.services.taking_in import Pace, start_import, take_in
from ingestion.services.watching import (
    FolderWatch,
    pause_watching,
    stop_watching,
    watch,
)

__all__ = [
    "CANCELLABLE",
    "PAUSABLE",
    "RESUMABLE",
    "RETRIABLE",
    "CopyPolicy",
    "FolderWatch",
    "ImportOptions",
    "ImportPlan",
    "ImportTakenOver",
    "KnownPolicy",
    "MetadataRules",
    "Outcome",
    "Pace",
    "Result",
    "absolute",
    "begin_by_command",
    "cancel",
    "close_abandoned",
    "fail",
    "find_interrupted",
    "forget_ended",
    "hand_out_imports",
    "list_files",
    "make_plan",
    "opened",
    "pause",
    "pause_watching",
    "plan_import",
    "record_import",
    "record_refused_copy",
    "resume",
    "retry",
    "run",
    "run_turn",
    "start",
    "start_import",
    "stop_watching",
    "take_in",
    "watch",
]
