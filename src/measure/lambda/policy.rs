//! The least permissions that a measurement on Lambda needs, as an IAM policy.

use serde_json::{Value, json};

use super::journal::PREFIX;

/// The actions on the functions of a run.
const FUNCTIONS: [&str; 8] = [
    "lambda:CreateFunction",
    "lambda:DeleteFunction",
    "lambda:GetFunctionConfiguration",
    "lambda:InvokeFunction",
    "lambda:ListTags",
    "lambda:PublishVersion",
    "lambda:TagResource",
    "lambda:UpdateFunctionConfiguration",
];
/// The actions without a resource.
const ACCOUNT: [&str; 2] = ["lambda:GetAccountSettings", "lambda:ListFunctions"];
/// The actions on the repositories of a run.
const REPOSITORIES: [&str; 12] = [
    "ecr:BatchCheckLayerAvailability",
    "ecr:BatchGetImage",
    "ecr:CompleteLayerUpload",
    "ecr:CreateRepository",
    "ecr:DeleteRepository",
    "ecr:DescribeRepositories",
    "ecr:GetDownloadUrlForLayer",
    "ecr:GetRepositoryPolicy",
    "ecr:InitiateLayerUpload",
    "ecr:PutImage",
    "ecr:SetRepositoryPolicy",
    "ecr:TagResource",
];
/// The part of a push that is not a call of ours: the engine uploads layers.
const UPLOAD: [&str; 1] = ["ecr:UploadLayerPart"];

/// All actions of the policy.
pub fn actions() -> impl Iterator<Item = &'static str> {
    let ecr = REPOSITORIES
        .into_iter()
        .chain(UPLOAD)
        .chain(["ecr:GetAuthorizationToken"]);
    FUNCTIONS.into_iter().chain(ACCOUNT).chain(ecr).chain(["iam:PassRole"])
}

/// The policy. `role` is the ARN of the role of the functions; without it a place to fill in.
pub fn policy(role: Option<&str>) -> Value {
    let of = |service: &str, kind: &str| format!("arn:aws:{service}:*:*:{kind}{PREFIX}*");
    let repositories: Vec<&str> = REPOSITORIES.into_iter().chain(UPLOAD).collect();
    json!({
        "Version": "2012-10-17",
        "Statement": [
            {
                "Sid": "Functions",
                "Effect": "Allow",
                "Action": FUNCTIONS,
                "Resource": of("lambda", "function:"),
            },
            { "Sid": "Account", "Effect": "Allow", "Action": ACCOUNT, "Resource": "*" },
            {
                "Sid": "Role",
                "Effect": "Allow",
                "Action": "iam:PassRole",
                "Resource": role.unwrap_or("arn:aws:iam::ACCOUNT:role/ROLE"),
                "Condition": { "StringEquals": { "iam:PassedToService": "lambda.amazonaws.com" } },
            },
            {
                "Sid": "Images",
                "Effect": "Allow",
                "Action": repositories,
                "Resource": of("ecr", "repository/"),
            },
            { "Sid": "Login", "Effect": "Allow", "Action": "ecr:GetAuthorizationToken", "Resource": "*" },
        ],
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_action_is_in_the_policy_and_nothing_is_a_wildcard() {
        let policy = policy(None);
        let mut listed: Vec<String> = Vec::new();
        for statement in policy["Statement"].as_array().unwrap() {
            match &statement["Action"] {
                Value::String(action) => listed.push(action.clone()),
                actions => listed.extend(
                    actions
                        .as_array()
                        .unwrap()
                        .iter()
                        .map(|a| a.as_str().unwrap().to_string()),
                ),
            }
        }
        let mut known: Vec<String> = actions().map(str::to_string).collect();
        listed.sort();
        known.sort();
        assert_eq!(listed, known);
        assert!(listed.iter().all(|action| !action.contains('*')), "{listed:?}");
    }
}
