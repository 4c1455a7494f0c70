//! What someone may try who can write to the queue.

use apalis::prelude::{BoxDynError, TaskBuilder, TaskId, TaskSink as _};
use tenancy::apalis::Job;
use tenancy::{Error as ScopeError, ScopeEnvelope, TenantScope};
use ulid::Ulid;

use crate::service::Digest;
use crate::stage::{Stage, VALID_FOR};

/// Changes a job that waits, so that it says `other` in the place of its tenant: with a payload that
/// was signed, for this very queue, by taking it from a job of the other's.
///
/// # Errors
/// The queue's.
pub async fn make_anothers(stage: &Stage, job: &TaskId, other: &str) -> Result<(), BoxDynError> {
    let theirs = capture(stage, other, crate::service::QUEUE).await?;
    let (signed, _) = split(&theirs)?;
    // A job is stored as the bytes of its JSON, the envelope within as it is: three parts and a
    // signature.
    let changed = sqlx::query(
        "UPDATE apalis.jobs SET job = convert_to(regexp_replace(convert_from(job, 'UTF8'), \
         'te1[.][^.]+[.][^.]+[.]', $2 || '.'), 'UTF8') WHERE id = $1",
    )
    .bind(job.to_string())
    .bind(signed)
    .execute(&stage.queue)
    .await?;
    match changed.rows_affected() {
        1 => Ok(()),
        _ => Err("the job is not there".into()),
    }
}

/// Queues a job of this tenant with an envelope that was sealed for another queue.
///
/// # Errors
/// The queue's.
pub async fn from_another_queue(stage: &Stage, tenant: &str) -> Result<TaskId, BoxDynError> {
    let scope = capture(stage, tenant, "mail").await?;
    queue_as_is(stage, scope).await
}

/// Queues a job with this envelope, whatever it is.
///
/// # Errors
/// The queue's.
pub async fn queue_as_is(stage: &Stage, scope: ScopeEnvelope) -> Result<TaskId, BoxDynError> {
    let work = Digest {
        about: "an attack".to_owned(),
    };
    let job = Job { scope, work };
    let id = TaskId::from_string(Ulid::generate().to_string());
    let task = TaskBuilder::new(job).task_id(id.clone()).build();
    stage.service.digests.backend().push_task(task).await?;
    Ok(id)
}

/// An envelope as the service itself would seal it.
///
/// # Errors
/// Where the tenant is refused.
pub async fn capture(
    stage: &Stage,
    tenant: &str,
    queue: &str,
) -> Result<ScopeEnvelope, BoxDynError> {
    let tenancy = &stage.tenancy;
    let envelope = tenancy
        .run(
            tenant,
            async |scope: &TenantScope| -> Result<ScopeEnvelope, ScopeError> {
                tenancy.audience(queue)?.envelope(scope, VALID_FOR)
            },
        )
        .await?;
    Ok(envelope)
}

/// What is signed, and the signature.
///
/// # Errors
/// Where there is none.
pub fn split(envelope: &ScopeEnvelope) -> Result<(&str, &str), BoxDynError> {
    let parts = envelope.as_str().rsplit_once('.');
    parts.ok_or_else(|| "an envelope ends with a signature".into())
}
