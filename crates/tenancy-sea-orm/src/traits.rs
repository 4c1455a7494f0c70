//! SeaORM's traits, for a connection and for a transaction.

use std::future::Future;
use std::pin::Pin;

use sea_orm::prelude::async_trait::async_trait;
use sea_orm::{
    AccessMode, ConnectionTrait, DbBackend, DbErr, ExecResult, IsolationLevel, QueryResult,
    Statement, StreamTrait, TransactionError, TransactionOptions, TransactionSession,
    TransactionTrait,
};

use crate::held::How;
use crate::{RowStream, ScopedConnection, ScopedTransaction, statements};

macro_rules! statements_on {
    ($on:ident) => {
        #[async_trait]
        impl<S: 'static> ConnectionTrait for $on<'_, S> {
            fn get_database_backend(&self) -> DbBackend {
                DbBackend::Postgres
            }

            async fn execute_raw(&self, statement: Statement) -> Result<ExecResult, DbErr> {
                let mut turn = self.place.turn().await?;
                statements::execute(&mut turn, &statement).await
            }

            async fn execute_unprepared(&self, sql: &str) -> Result<ExecResult, DbErr> {
                let mut turn = self.place.turn().await?;
                statements::execute_unprepared(&mut turn, sql).await
            }

            async fn query_one_raw(
                &self,
                statement: Statement,
            ) -> Result<Option<QueryResult>, DbErr> {
                let mut turn = self.place.turn().await?;
                statements::query_one(&mut turn, &statement).await
            }

            async fn query_all_raw(&self, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
                let mut turn = self.place.turn().await?;
                statements::query_all(&mut turn, &statement).await
            }
        }

        impl<S: 'static> StreamTrait for $on<'_, S> {
            type Stream<'a>
                = RowStream<'a>
            where
                Self: 'a;

            fn get_database_backend(&self) -> DbBackend {
                DbBackend::Postgres
            }

            fn stream_raw<'a>(
                &'a self,
                statement: Statement,
            ) -> Pin<Box<dyn Future<Output = Result<RowStream<'a>, DbErr>> + 'a + Send>> {
                Box::pin(async move { Ok(RowStream::over(self.place.turn().await?, statement)) })
            }
        }

        #[async_trait]
        impl<'s, S: 'static> TransactionTrait for $on<'s, S> {
            type Transaction = ScopedTransaction<'s, S>;

            async fn begin(&self) -> Result<Self::Transaction, DbErr> {
                self.begin_with_options(TransactionOptions::default()).await
            }

            async fn begin_with_config(
                &self,
                isolation_level: Option<IsolationLevel>,
                access_mode: Option<AccessMode>,
            ) -> Result<Self::Transaction, DbErr> {
                self.begin_with_options(options(isolation_level, access_mode))
                    .await
            }

            async fn begin_with_options(
                &self,
                options: TransactionOptions,
            ) -> Result<Self::Transaction, DbErr> {
                Ok(self.place.clone().begin(options).await?)
            }

            async fn transaction<F, T, E>(&self, work: F) -> Result<T, TransactionError<E>>
            where
                F: for<'c> FnOnce(
                        &'c Self::Transaction,
                    )
                        -> Pin<Box<dyn Future<Output = Result<T, E>> + Send + 'c>>
                    + Send,
                T: Send,
                E: std::fmt::Display + std::fmt::Debug + Send,
            {
                self.transaction_with_config(work, None, None).await
            }

            async fn transaction_with_config<F, T, E>(
                &self,
                work: F,
                isolation_level: Option<IsolationLevel>,
                access_mode: Option<AccessMode>,
            ) -> Result<T, TransactionError<E>>
            where
                F: for<'c> FnOnce(
                        &'c Self::Transaction,
                    )
                        -> Pin<Box<dyn Future<Output = Result<T, E>> + Send + 'c>>
                    + Send,
                T: Send,
                E: std::fmt::Display + std::fmt::Debug + Send,
            {
                let begun = self
                    .begin_with_config(isolation_level, access_mode)
                    .await
                    .map_err(TransactionError::Connection)?;
                let worked = work(&begun).await;
                let how = if worked.is_ok() {
                    How::Commit
                } else {
                    How::Rollback
                };
                let ended = begun.end(how).await.map_err(DbErr::from);
                ended.map_err(TransactionError::Connection)?;
                worked.map_err(TransactionError::Transaction)
            }
        }
    };
}

statements_on!(ScopedConnection);
statements_on!(ScopedTransaction);

#[async_trait]
impl<S: 'static> TransactionSession for ScopedTransaction<'_, S> {
    async fn commit(self) -> Result<(), DbErr> {
        Ok(self.end(How::Commit).await?)
    }

    async fn rollback(self) -> Result<(), DbErr> {
        Ok(self.end(How::Rollback).await?)
    }
}

fn options(
    isolation_level: Option<IsolationLevel>,
    access_mode: Option<AccessMode>,
) -> TransactionOptions {
    TransactionOptions {
        isolation_level,
        access_mode,
        ..TransactionOptions::default()
    }
}
