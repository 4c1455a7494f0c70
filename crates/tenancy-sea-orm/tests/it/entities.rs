//! The models, as SeaORM's users write them. None knows of tenants.

pub(super) mod note {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "notes")]
    pub(crate) struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub(crate) id: i64,
        pub(crate) title: String,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub(crate) enum Relation {
        #[sea_orm(has_many = "super::tag::Entity")]
        Tag,
    }

    impl Related<super::tag::Entity> for Entity {
        fn to() -> RelationDef {
            Relation::Tag.def()
        }
    }

    impl ActiveModelBehavior for ActiveModel {}
}

pub(super) mod tag {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "tags")]
    pub(crate) struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub(crate) note: i64,
        #[sea_orm(primary_key, auto_increment = false)]
        pub(crate) tag: String,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub(crate) enum Relation {
        #[sea_orm(
            belongs_to = "super::note::Entity",
            from = "Column::Note",
            to = "super::note::Column::Id"
        )]
        Note,
    }

    impl Related<super::note::Entity> for Entity {
        fn to() -> RelationDef {
            Relation::Note.def()
        }
    }

    impl ActiveModelBehavior for ActiveModel {}
}

pub(super) use note::Entity as Note;
pub(super) use tag::Entity as Tag;

/// A note that is not there yet.
pub(super) fn new_note(id: i64, title: &str) -> note::ActiveModel {
    note::ActiveModel {
        id: sea_orm::Set(id),
        title: sea_orm::Set(title.to_owned()),
    }
}

/// The titles of notes, as they come.
pub(super) fn titles(notes: impl IntoIterator<Item = note::Model>) -> Vec<String> {
    notes.into_iter().map(|note| note.title).collect()
}
